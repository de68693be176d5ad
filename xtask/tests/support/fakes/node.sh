# A fake node: the in-process renderer, whose frames the test has laid out.
hook render
while [ $# -gt 0 ]; do
  case $1 in
    --output) output=$2 ;;
  esac
  shift
done
cp -R "$dir/in-process" "$output"
echo '100% Render complete' >&2
echo '{"producerVersion":"0.0.0-fake","chromiumVersion":"Chromium 1.0-fake","frames":60,"durationMs":1200}'
