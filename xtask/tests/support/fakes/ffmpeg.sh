# A fake ffmpeg: the levels and samples that fake videos say are theirs.
for last; do :; done
case "$*" in
  -version) verb=-version ;;
  *-filters) verb=-filters ;;
  *-encoders) verb=-encoders ;;
  *-filter_complex*) verb=psnr ;;
  *0:V:0*) verb=decode ;;
  *-map*) verb=sound ;;
esac
hook "$verb"
while [ "$1" != -i ] && [ $# -gt 0 ]; do shift; done
video=${2#file:}

psnr_lines() {
  n=0
  for run in $levels; do
    count=${run#*x}
    while [ "$count" -gt 0 ]; do
      n=$((n + 1)) count=$((count - 1))
      echo "n:$n mse_avg:1.00 mse_y:1.00 psnr_avg:${run%x*} psnr_y:${run%x*} "
    done
  done
}

case $verb in
  -version) echo "ffmpeg version 7.0-fake" ;;
  -filters) echo " ... psnr              VV->V      Calculate the PSNR between two video streams." ;;
  -encoders) echo " V....D libx264              libx264 H.264 / AVC" ;;
  decode) ;;
  psnr) . "$video"; psnr_lines ;;
  sound) . "$video"; printf '%s' "$samples" > "${last#file:}" ;;
  *) echo "the fake ffmpeg can't do this: $line" >&2; exit 64 ;;
esac
