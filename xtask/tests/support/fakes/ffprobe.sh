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
printf '{"streams":[{"codec_type":"video","width":%s,"height":%s,"pix_fmt":"%s",' "$width" "$height" "$pixels"
printf '"avg_frame_rate":"%s","duration":"%s","nb_read_frames":"%s"}' "$rate" "$duration" "$frames"
for track in $tracks; do
  printf ',{"codec_type":"audio","sample_rate":"48000","channels":2}'
done
printf '],"format":{"duration":"%s"}}\n' "$duration"
