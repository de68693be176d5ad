# A fake bun: it "builds" by copying the ZIP that the test prepared.
case $1 in
  --version) verb=--version ;;
  install) verb=install ;;
  run) for verb; do :; done; [ "$2" = bundle.ts ] && verb=bundle; [ "$6" = -- ] && verb=harness ;;
esac
hook "$verb"
case $verb in
  --version) echo 1.3.0 ;;
  install) mkdir -p node_modules ;;
  bundle) mkdir -p "$3" && echo handler > "$3/index.mjs" ;;
  build:zip) mkdir -p "$3/dist" && cp "$dir/handler.zip" "$3/dist/handler.zip" ;;
  verify:zip-size) ;;
  harness)
    # Renders where a checkout's harness does: bun run --silent --cwd <package> <script> -- <fixture> ...
    mkdir -p "$TMPDIR/hyperframes-tests/$7"
    [ -e "$dir/in-process" ] && cp "$dir/in-process" "$TMPDIR/hyperframes-tests/$7/output.mp4"
    echo '{"event":"rendering_complete"}' ;;
  *) echo "the fake bun can't do this: $line" >&2; exit 64 ;;
esac
