// The live camera: preview, a burst of frames that stay in memory until the server has them, and words for what fails.

const FRAMES = 4;
const BURST_MILLISECONDS = 900;
const WIDTH = 640;
const QUALITY = 0.9;

const panel = document.getElementById("camera");
const form = document.getElementById("camera-form");
const files = form.elements.frames;
const video = document.getElementById("preview");
const stage = video.parentElement;
const words = document.getElementById("camera-words");
const problem = document.getElementById("camera-problem");
const buttons = Object.fromEntries(
  ["start", "take", "stop", "again"].map((name) => [name, document.getElementById(`camera-${name}`)]),
);

let stream = null;

// Show the buttons of one state, with its words over the picture.
function show(names, sentence) {
  const focused = Object.values(buttons).includes(document.activeElement);
  for (const [name, button] of Object.entries(buttons)) button.hidden = !names.includes(name);
  if (focused && document.activeElement.hidden) buttons[names[0]]?.focus();
  words.textContent = sentence;
}

function complain(reason) {
  problem.textContent = panel.dataset[reason];
  problem.hidden = false;
}

function reasonOf(error) {
  if (["NotFoundError", "OverconstrainedError", "DevicesNotFoundError"].includes(error.name)) return "noCamera";
  if (["NotAllowedError", "SecurityError", "PermissionDeniedError"].includes(error.name)) return "denied";
  if (["NotReadableError", "AbortError", "TrackStartError"].includes(error.name)) return "inUse";
  return "unknown";
}

async function start() {
  problem.hidden = true;
  if (!window.isSecureContext || !navigator.mediaDevices) return complain("insecure");
  show([], "Waiting for the camera …");
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
  } catch (error) {
    stop();
    return complain(reasonOf(error));
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    stop();
    complain("unknown");
  });
  show(["take", "stop"], "");
  buttons.take.focus();
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  video.hidden = true;
  stage.classList.remove("taking");
  show(["start"], "The camera is off.");
}

function frame(canvas) {
  canvas.width = Math.min(WIDTH, video.videoWidth);
  canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", QUALITY);
  });
}

async function take() {
  show([], "Hold still …");
  stage.classList.add("taking");
  const canvas = document.createElement("canvas");
  const burst = new DataTransfer();
  try {
    for (let n = 0; n < FRAMES; n += 1) {
      if (n) await new Promise((resolve) => setTimeout(resolve, BURST_MILLISECONDS / (FRAMES - 1)));
      if (!stream) return;
      burst.items.add(new File([await frame(canvas)], `frame-${n}.jpg`, { type: "image/jpeg" }));
    }
  } catch {
    stop();
    return complain("unknown");
  }
  stop();
  files.files = burst.files;
  show([], "Sending. The camera is off.");
  form.requestSubmit();
}

buttons.start.addEventListener("click", start);
buttons.take.addEventListener("click", take);
buttons.stop.addEventListener("click", stop);

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

window.addEventListener("pagehide", stop);
// An answer came another way: a photograph, or a mood that was named.
document.getElementById("outcome").addEventListener("htmx:afterSwap", () => stream && stop());
// The answers "Try again" and "Read again" ask for the camera at once.
if (window.location.hash === "#camera") start();
