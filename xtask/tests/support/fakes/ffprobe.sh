# A fake ffprobe: fake videos say of themselves what is to be reported.
for last; do :; done
hook "${last##*/}"
if [ "$1" = -version ]; then
  echo "ffprobe version 7.0-fake"
  exit
fi
video=${last#file:}
if ! head -n 1 "$video" | grep -q '^# fake video$'; then
  echo "$video: Invalid data found when processing input" >&2
  exit 1
fi
. "$video"
printf '{"streams":[{"index":0,"codec_type":"video","codec_name":"%s","profile":"%s",' "$codec" "$profile"
printf '"width":%s,"height":%s,' "$width" "$height"
printf '"pix_fmt":"%s","avg_frame_rate":"%s","duration":"%s"}' "$pixels" "$rate" "$duration"
stream=0
for track in $tracks; do
  stream=$((stream + 1))
  printf ',{"index":%s,"codec_type":"audio","codec_name":"aac","sample_rate":"48000","channels":2}' "$stream"
done
printf '],"format":{"duration":"%s"}}\n' "$duration"
