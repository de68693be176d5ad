# A fake git: the temporary repository is at one clean commit.
hook "$3"
case $3 in
  rev-parse) echo 0123456789abcdef0123456789abcdef01234567 ;;
  status) ;;
esac
