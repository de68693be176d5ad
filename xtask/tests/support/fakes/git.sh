# A fake git: the temporary repository is at one clean commit, and its configuration names no filters.
for word in "$@"; do
  case $word in
    rev-parse | status | config) hook "$word" ;;
  esac
  case $word in
    rev-parse) echo 0123456789abcdef0123456789abcdef01234567 && exit ;;
    config) exit 1 ;;
  esac
done
