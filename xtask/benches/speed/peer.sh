#!/usr/bin/env bash
# The sequential peer of the benchmark: a smoke as a careful script does it, one step
# after the other, with the AWS CLI and a look at the execution every five seconds.
#
#   peer.sh <endpoint> <template> <fixture> <stack> <count>...
#
# The handler's ZIP is ready. Prints one line: the executions' own time in ms, added up.
set -euo pipefail
endpoint=$1 template=$2 fixture=$3 stack=$4
shift 4
export AWS_ENDPOINT_URL=$endpoint AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null SAM_CLI_TELEMETRY=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export TMPDIR=$work

aws sts get-caller-identity > identity.json
bucket_of_sam=peer-artifacts-$stack
sam validate --lint --template-file "$template" > sam.log 2>&1
aws s3api create-bucket --bucket "$bucket_of_sam" > /dev/null
sam deploy --template-file "$template" --stack-name "$stack" --s3-bucket "$bucket_of_sam" --s3-prefix "$stack" \
  --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar \
  --parameter-overrides "ProjectName=$stack" ChromeSource=sparticuz ReservedConcurrency=16 >> sam.log 2>&1
output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
bucket=$(output RenderBucketName)
machine=$(output RenderStateMachineArn)
function=$(output RenderFunctionArn)
tar -czf project.tar.gz -C "$fixture/src" .
aws s3 cp --quiet project.tar.gz "s3://$bucket/projects/f.tar.gz"

frames=$(ffprobe -v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0 "$fixture/output/output.mp4")
for count in "$@"; do
  prefix=s3://$bucket/renders/peer-N$count
  input=$(jq -n --arg project "s3://$bucket/projects/f.tar.gz" --arg prefix "$prefix/" --arg output "$prefix/output.mp4" \
    --argjson n "$count" --argjson size $(((frames + count - 1) / count)) \
    '{ProjectS3Uri: $project, PlanOutputS3Prefix: $prefix, OutputS3Uri: $output, PlanProtocol: "v2",
      Config: {fps: 30, width: 640, height: 360, format: "mp4", chunkSize: $size, maxParallelChunks: $n, runtimeCap: "lambda"}}')
  arn=$(aws stepfunctions start-execution --state-machine-arn "$machine" --name "peer-N$count" --input "$input" \
    --query executionArn --output text)
  status=RUNNING
  while [ "$status" = RUNNING ]; do
    sleep 5
    aws stepfunctions describe-execution --execution-arn "$arn" > execution.json
    status=$(jq -r .status execution.json)
  done
  [ "$status" = SUCCEEDED ]
  python3 - execution.json >> spans <<'PY'
import datetime, json, sys
execution = json.load(open(sys.argv[1]))
time = lambda key: datetime.datetime.fromisoformat(str(execution[key]).replace("Z", "+00:00")) if isinstance(execution[key], str) else datetime.datetime.fromtimestamp(execution[key])
print(round((time("stopDate") - time("startDate")).total_seconds() * 1000))
PY
  aws stepfunctions get-execution-history --execution-arn "$arn" --max-results 1000 > "N$count-history.json"
  aws s3 cp --quiet "$prefix/output.mp4" "N$count.mp4"
  ffmpeg -nostdin -v error -i "N$count.mp4" -i "$fixture/output/output.mp4" -lavfi "psnr=stats_file=psnr.log" -f null -
  awk '/psnr_avg:/ { n++ } END { exit n == 0 }' psnr.log
done

aws s3 rm --quiet --recursive "s3://$bucket"
aws s3api list-object-versions --bucket "$bucket" > versions.json
jq '{Objects: ([.Versions[]?, .DeleteMarkers[]?] | map({Key, VersionId})), Quiet: true}' versions.json > delete.json
[ "$(jq '.Objects | length' delete.json)" = 0 ] || aws s3api delete-objects --bucket "$bucket" --delete file://delete.json > /dev/null
sam delete --no-prompts --stack-name "$stack" --region us-east-1 >> sam.log 2>&1
aws s3api delete-bucket --bucket "$bucket"
aws s3 rm --quiet --recursive "s3://$bucket_of_sam"
aws s3api delete-bucket --bucket "$bucket_of_sam"
# Each of them gone?
! aws s3api head-bucket --bucket "$bucket" 2> /dev/null
! aws s3api head-bucket --bucket "$bucket_of_sam" 2> /dev/null
! aws cloudformation describe-stacks --stack-name "$stack" > /dev/null 2>&1
! aws stepfunctions describe-state-machine --state-machine-arn "$machine" > /dev/null 2>&1
! aws lambda get-function-configuration --function-name "${function##*:}" > /dev/null 2>&1
awk '{ sum += $1 } END { print sum }' spans
