# A fake sam: a stack is a file, which the fake AWS reads as well.
verb=$1 outputs=
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
# Without the parameter, everything is named after the stack.
project=${project:-$stack}

make_stack() {
  printf 'project=%s\nrun=%s\nartifacts=%s\n%b' "$project" "$run" "$artifacts" "$outputs" > "$dir/new.$$"
  mv "$dir/new.$$" "$file"
}

hook "$verb"
case $verb in
  --version) echo "SAM CLI, version 1.150.0" ;;
  validate) echo "$file is a valid SAM Template" ;;
  deploy) make_stack ;;
  *) echo "the fake sam has no $verb" >&2; exit 64 ;;
esac
