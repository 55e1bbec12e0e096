// The live camera: preview with a hint on the light, a countdown, a burst of frames that stay in memory until the server
// has them, and words for what fails.

import { judge, measure } from "./light.js";

const FRAMES = 4;
const BURST_MILLISECONDS = 900;
const WIDTH = 640;
const QUALITY = 0.9;
const COUNT = 3;
const COUNT_MILLISECONDS = 800;
const LOOK_MILLISECONDS = 400;
const LOOK_WIDTH = 192;

const panel = document.getElementById("camera");
const form = document.getElementById("camera-form");
const files = form.elements.frames;
const video = document.getElementById("preview");
const stage = video.parentElement;
const part = Object.fromEntries(
  ["words", "hint", "count", "problem"].map((name) => [name, document.getElementById(`camera-${name}`)]),
);
const buttons = Object.fromEntries(
  ["start", "take", "cancel", "stop", "again"].map((name) => [name, document.getElementById(`camera-${name}`)]),
);

let stream = null;
let looking = null; // the timer that judges the light
let light = ""; // its last word
let turn = 0; // counts up whenever a countdown or a burst is to be given up

// Show the buttons of one state, with its words over the picture.
function show(names, sentence) {
  const focused = Object.entries(buttons).find(([, button]) => button === document.activeElement)?.[0];
  for (const [name, button] of Object.entries(buttons)) button.hidden = !names.includes(name);
  if (focused && !names.includes(focused)) buttons[names[0]]?.focus();
  part.words.textContent = sentence;
}

function complain(reason) {
  part.problem.textContent = panel.dataset[reason];
  part.problem.hidden = false;
}

function reasonOf(error) {
  if (["NotFoundError", "OverconstrainedError", "DevicesNotFoundError"].includes(error.name)) return "noCamera";
  if (["NotAllowedError", "SecurityError", "PermissionDeniedError"].includes(error.name)) return "denied";
  if (["NotReadableError", "AbortError", "TrackStartError"].includes(error.name)) return "inUse";
  return "unknown";
}

function isInsecure() {
  return !window.isSecureContext || !navigator.mediaDevices;
}

async function start() {
  part.problem.hidden = true;
  if (isInsecure()) return complain("insecure");
  show(["stop"], "Waiting for the camera. If your browser asks, allow it there.");
  const mine = (turn += 1);
  let opened = null;
  try {
    opened = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 960 }, height: { ideal: 720 } },
    });
    if (mine !== turn) return release(opened); // turned off while the browser was asking
    stream = opened;
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
  } catch (error) {
    if (mine !== turn) return opened && release(opened);
    stop();
    return complain(reasonOf(error));
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    stop();
    complain("unplugged");
  });
  ready();
  look();
  looking = setInterval(look, LOOK_MILLISECONDS);
  stopUnseen(); // the tab may have been left while the browser was asking
}

function ready() {
  stage.classList.remove("taking");
  show(["take", "stop"], "");
  buttons.take.focus();
}

function release(opened) {
  for (const track of opened.getTracks()) track.stop();
}

function stop() {
  turn += 1;
  if (stream) release(stream);
  stream = null;
  clearInterval(looking);
  video.srcObject = null;
  video.hidden = true;
  stage.classList.remove("taking");
  part.count.textContent = part.hint.textContent = "";
  part.hint.classList.remove("good");
  show(["start"], "The camera is off.");
}

// Nothing is taken of somebody who does not see it: out of sight the camera goes off, and a burst under way ends.
function stopUnseen() {
  if (!document.hidden || !stream) return;
  stop();
  part.words.textContent = "The camera was turned off: this page was out of sight.";
}

// Draw what the preview shows, the middle of the video in the preview's shape: no more than that is judged or sent.
function draw(canvas, widest) {
  const unit = Math.min(video.videoWidth / 4, video.videoHeight / 3);
  const [width, height] = [4 * unit, 3 * unit];
  canvas.width = Math.min(widest, Math.round(width));
  canvas.height = Math.round((canvas.width * 3) / 4);
  const [x, y] = [(video.videoWidth - width) / 2, (video.videoHeight - height) / 2];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, x, y, width, height, 0, 0, canvas.width, canvas.height);
  return pen;
}

// Judge the light in the oval. The words change only when the judgement does, so that they are not said again and again.
function look() {
  if (!video.videoWidth || document.hidden) return;
  const canvas = document.createElement("canvas");
  const pen = draw(canvas, LOOK_WIDTH);
  const judged = judge(measure(pen.getImageData(0, 0, canvas.width, canvas.height)));
  if (judged === light && part.hint.textContent) return;
  light = judged;
  part.hint.textContent = panel.dataset[`hint${judged[0].toUpperCase()}${judged.slice(1)}`];
  part.hint.classList.toggle("good", judged === "good");
}

function frame(canvas) {
  draw(canvas, WIDTH);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", QUALITY);
  });
}

function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function take() {
  const mine = (turn += 1);
  show(["cancel"], "Look at the camera.");
  for (let left = COUNT; left; left -= 1) {
    part.count.textContent = left;
    await wait(COUNT_MILLISECONDS);
    if (mine !== turn) return;
  }
  part.count.textContent = "";
  const burst = await shoot(mine);
  if (!burst) return;
  stop();
  files.files = burst.files;
  show([], "Sending. The camera is off.");
  buttons.again.click(); // also while it is hidden, and in Safari before 16, which knows no requestSubmit
}

// Take the burst; null when it was given up or failed.
async function shoot(mine) {
  stage.classList.add("taking");
  part.words.textContent = "Hold still …";
  const canvas = document.createElement("canvas");
  const burst = new DataTransfer();
  try {
    for (let n = 0; n < FRAMES; n += 1) {
      if (n) await wait(BURST_MILLISECONDS / (FRAMES - 1));
      if (mine !== turn) return null;
      burst.items.add(new File([await frame(canvas)], `frame-${n}.jpg`, { type: "image/jpeg" }));
    }
  } catch {
    if (mine !== turn) return null;
    stop();
    complain("unknown");
    return null;
  }
  return mine === turn ? burst : null; // it may have been given up while the last frame was packed
}

function cancel() {
  turn += 1;
  part.count.textContent = "";
  ready();
}

// A button takes another one's place when that is pressed: the second half of a double click is not meant for it.
for (const [name, act] of Object.entries({ start, take, cancel, stop })) {
  buttons[name].addEventListener("click", (event) => event.detail > 1 || act());
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !buttons.cancel.hidden) cancel();
});

// Accepted frames are let go; after a failure they stay in the form, so that they can be sent again.
form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== form) return;
  if (event.detail.successful) {
    form.reset();
    show(["start"], "The camera is off.");
  } else {
    show(["again", "start"], "Not sent. The pictures are kept on this page only.");
    buttons.again.focus();
  }
});

// "No face": if the light was bad when the pictures were taken, that is the likely reason.
document.addEventListener("htmx:afterSwap", () => {
  const place = document.querySelector("#outcome [data-camera-hint]");
  if (!place || ["", "good"].includes(light)) return;
  place.textContent = part.hint.textContent || panel.dataset[`hint${light[0].toUpperCase()}${light.slice(1)}`];
  place.hidden = false;
});

window.addEventListener("pagehide", stop);
document.addEventListener("visibilitychange", stopUnseen);
// An answer came. Pictures that are still being sent another way are given up: theirs would take its place, however late.
document.getElementById("outcome").addEventListener("htmx:afterSwap", ({ detail, currentTarget }) => {
  if (detail.target !== currentTarget) return; // a part of the answer
  for (const other of document.querySelectorAll(".ways form[hx-encoding]")) {
    if (other === detail.requestConfig.elt) continue;
    window.htmx.trigger(other, "htmx:abort");
    other.reset();
  }
  stop(); // also while the browser still asks for the camera: its answer may come late
});

if (isInsecure()) {
  complain("insecure");
  buttons.start.hidden = true;
} else if (window.location.hash === "#camera") {
  // "Try again" was pressed to have the camera at once; going back here or reloading was not, so the word goes
  history.replaceState(history.state, "", location.pathname + location.search);
  // nor was it by whoever followed a link of another site
  if (document.referrer.startsWith(`${location.origin}/`)) start();
}
