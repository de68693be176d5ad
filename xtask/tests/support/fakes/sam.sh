# A fake sam: a stack is a file, which the fake AWS reads as well.
verb=$1
while [ $# -gt 0 ]; do
  case $1 in
    --stack-name) stack=$2 ;;
    --s3-bucket) artifacts=$2 ;;
    ProjectName=*) project=${1#*=} ;;
    HyperframesSmokeRun=*) run=${1#*=} ;;
  esac
  shift
done
file="$dir/stacks/$stack"

make_stack() {
  printf 'project=%s\nrun=%s\nartifacts=%s\n' "$project" "$run" "$artifacts" > "$dir/new.$$"
  mv "$dir/new.$$" "$file"
}

output() {
  printf '{"OutputKey":"%s","OutputValue":"%s","Description":""}%s\n' "$1" "$2" "$3"
}

list() {
  if [ ! -f "$file" ]; then
    echo "Error: The input stack $stack does not exist on Cloudformation in the region us-east-1." >&2
    exit 1
  fi
  . "$file"
  if [ -z "$project" ]; then
    echo "Error: Outputs do not exist for the input stack $stack on Cloudformation in the region us-east-1" >&2
    exit 1
  fi
  echo '['
  output RenderBucketName "$project-123456789012" ,
  output RenderFunctionArn "arn:aws:lambda:us-east-1:123456789012:function:$project-render" ,
  output RenderStateMachineArn "arn:aws:states:us-east-1:123456789012:stateMachine:$project-render"
  echo ']'
}

hook "$verb"
case $verb in
  --version) echo "SAM CLI, version 1.150.0" ;;
  validate) echo "$file is a valid SAM Template" ;;
  list) list ;;
  deploy) make_stack ;;
  delete) rm -f "$file" ;;
  *) echo "the fake sam has no $verb" >&2; exit 64 ;;
esac
