# A fake zip: whatever is packed, the ZIP that the test prepared comes out.
for last; do :; done
hook "$1"
if [ "$1" = -v ]; then
  echo "Copyright (c) 1990-2008 Info-ZIP - Type 'zip \"-L\"' for software license."
  echo "This is Zip 3.0 (July 5th 2008), by Info-ZIP."
else
  cat >> "$dir/packed-names"
  cp "$dir/handler.zip" "$last"
fi
