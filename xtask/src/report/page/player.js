// The one script of a report. Without it the videos have their own controls, and the pictures are side by side.
"use strict";

for (const player of document.querySelectorAll(".player")) {
  const videos = [...player.querySelectorAll("video")];
  const [slider, shown, play] = ["[type=range]", "output", "[data-do=play]"].map((part) => player.querySelector(part));
  const { fps, frames } = player.dataset;
  // The middle of a frame, so that a rounded time shows the same one.
  const time = (frame) => (frame + 0.5) / fps;
  const show = (frame) => {
    slider.value = Math.min(Math.max(frame, 0), frames - 1);
    shown.textContent = `frame ${slider.value}, ${(slider.value / fps).toFixed(3)} s`;
  };
  const pause = () => {
    for (const video of videos) video.pause();
    play.textContent = "Play";
  };
  const seek = (frame) => {
    pause();
    show(frame);
    for (const video of videos) {
      video.preload = "auto";
      video.currentTime = time(Number(slider.value));
    }
  };
  const follow = () => {
    if (videos[0].paused) return pause();
    show(Math.floor(videos[0].currentTime * fps));
    requestAnimationFrame(follow);
  };
  const actions = {
    play: () => {
      if (!videos[0].paused) return pause();
      if (Number(slider.value) >= frames - 1) seek(0);
      videos[1].currentTime = videos[0].currentTime;
      play.textContent = "Pause";
      Promise.all(videos.map((video) => video.play())).then(follow, pause);
    },
    difference: () => player.classList.toggle("difference"),
    back: () => seek(Number(slider.value) - 1),
    on: () => seek(Number(slider.value) + 1),
  };
  for (const video of videos) {
    video.controls = false;
    video.addEventListener("error", () => player.classList.add("unplayable"));
  }
  slider.addEventListener("input", () => seek(Number(slider.value)));
  player.addEventListener("click", ({ target }) => actions[target.dataset.do]?.());
  player.addEventListener("frame", ({ detail }) => seek(detail));
  player.querySelector(".controls").hidden = false;
  show(0);
}

// A picture over the other, with a line to move between them.
for (const pictures of document.querySelectorAll(".side-by-side")) {
  const [left, right] = [...pictures.querySelectorAll("img")].map((image) => image.cloneNode());
  if (!right) continue;
  const line = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50 });
  line.setAttribute("aria-label", "Where the baseline ends and the render begins, percent");
  const both = Object.assign(document.createElement("div"), { className: "both" });
  const swipe = Object.assign(document.createElement("div"), { className: "swipe" });
  const move = () => right.style.setProperty("clip-path", `inset(0 0 0 ${line.value}%)`);
  line.addEventListener("input", move);
  both.append(left, right);
  swipe.append(both, line);
  pictures.before(swipe);
  move();
}

// #N=4 opens a render, and #N=4,24 shows its frame 24.
function follow() {
  const [id, frame] = decodeURIComponent(location.hash.slice(1)).split(",");
  const render = document.getElementById(id);
  if (!render?.classList.contains("render")) return;
  render.open = true;
  const player = render.querySelector(".player");
  (frame && player ? player : render).scrollIntoView();
  if (frame) player?.dispatchEvent(new CustomEvent("frame", { detail: Number(frame) }));
}
addEventListener("hashchange", follow);
follow();
