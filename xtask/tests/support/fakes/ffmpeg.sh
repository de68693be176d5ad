# A fake ffmpeg: the levels and samples that fake videos say are theirs.
for last; do :; done
case "$*" in
  -version) verb=-version ;;
  *-filters) verb=-filters ;;
  *-encoders) verb=-encoders ;;
  *-decoders) verb=-decoders ;;
  *:end_frame=*) verb=stretches ;;
  *rgb24*) verb=stills ;;
  *-filter_complex*) verb=psnr ;;
  *rgba*) verb=semantics ;;
  *0:V:0*) verb=decode ;;
  *0:a:*) verb=sound ;;
esac
# The first input is a render where there are two.
before= video=
for arg; do
  case $arg in */frames) frames_to=${arg#file:} ;; esac
  case $before in -i) baseline=${arg#file:} video=${video:-$baseline} ;; esac
  before=$arg
done

# For each frame, its number and its level.
each_frame() {
  n=0
  for run in $levels; do
    count=${run#*x}
    while [ "$count" -gt 0 ]; do
      n=$((n + 1)) count=$((count - 1))
      "$1" "${run%x*}"
    done
  done
}
psnr_line() { echo "n:$n mse_avg:1.00 mse_y:1.00 psnr_avg:$1 psnr_y:$1 "; }
neighbour_lines() { printf 'frame:%d pts:%d pts_time:0\nlavfi.psnr.psnr_avg=%s\n' $((n - 1)) $((n - 1)) "$1"; }
ssim_line() { echo "n:$n Y:$ssim All:$ssim (20.0)"; }
# What the showinfo filter writes into the log that $FFREPORT names. The times of a baseline are odd.
log_frames() { (levels=x$frames; each_frame info_line >> log); }
info_line() {
  printf 'n:%4d pts:%7d pts_time:0 duration:1 fmt:%s s:%sx36 i:P\n' $((n - 1)) $((2 * ((n - 1) / 30 * 1000000 + (n - 1) % 30 * 33333) + ${odd:-0})) "$pixels" "$width"
  echo 'color_range:unknown color_space:unknown color_primaries:unknown color_trc:unknown'
}
hash_line() { printf '0, %d, %d, 1, 3456, %s%030d\n' "$n" "$n" "$mark" $(((n - 1) % period)); }
luma() {
  echo "YUV4MPEG2 W$width H36 F30:1 Cmono"; of_luma=$(((frames + 3) / 4))
  while [ "$of_luma" -gt 0 ]; do
    of_luma=$((of_luma - 1)); printf "FRAME\n%0$((width * 36))d" 0
  done
}
# A picture whose digits are the frame's own.
raw_frame() { printf "FRAME\n%s%0$((width * 54 - ${#mark}))d" "$mark" $(((n - 1) % period)); }

hook "$verb"
case $verb in
  -version) echo "ffmpeg version 7.0-fake" ;;
  -filters) printf ' ... %s VV->V Calculate it between two video streams.\n' psnr ssim ;;
  -encoders) echo " V....D libx264              libx264 H.264 / AVC" ;;
  -decoders) echo " VF...D png                  PNG (Portable Network Graphics) image" ;;
  decode) . "$video"; log_frames ;;
  psnr)
    . "$video"
    log_frames; (. "$baseline"; odd=1 log_frames)
    each_frame psnr_line > psnr; each_frame neighbour_lines | tee before > after
    each_frame ssim_line > ssim
    # The means of all blocks of 4:2:0, without a difference.
    head -c $((frames * 2 * ((width + 15) / 16) * 72)) /dev/zero > blocks
    # The luma of every fourth frame, without a difference either, to whoever reads both in turn.
    luma > luma-of-render & luma > luma-of-baseline; wait
    echo "YUV4MPEG2 W$width H36 F30:1 C420jpeg"; each_frame raw_frame
    track=0
    for _ in $tracks; do
      printf '%s' "$samples" > "render-$track.pcm"
      (. "$baseline" && printf '%s' "$samples" > "baseline-$track.pcm")
      track=$((track + 1))
    done
    ;;
  sound) . "$video"; printf '%s' "$samples" > "$last" ;;
  stretches) . "$video"; levels=${still}x$((frames / 2)); each_frame psnr_line > psnr ;;
  # A black frame of 64x36.
  stills) head -c 6912 /dev/zero > "${last#file:}" ;;
  semantics)
    . "$video"
    each_frame hash_line > "$frames_to"
    for arg; do
      case $arg in */sound-[0-9]) printf '%s' "$samples" > "${arg#file:}" ;; esac
    done
    ;;
  *) echo "the fake ffmpeg can't do this: $line" >&2; exit 64 ;;
esac
