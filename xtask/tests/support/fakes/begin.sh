# What every fake tool does first: note how it was called, and step aside for
# what the test put in its place. $dir and $tool are set above this line.
line=$tool
for arg; do line="$line $arg"; done
printf '%s\n' "$line" >> "$dir/calls"
/usr/bin/env > "$dir/environments/$tool.$$"
echo $$ >> "$dir/pids"
PATH=/usr/bin:/bin

# Runs the test's script for "$tool $1", where there is one.
hook() {
  if [ -f "$dir/hooks/$tool $1" ]; then . "$dir/hooks/$tool $1"; fi
}
