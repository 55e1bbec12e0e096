// Plays the tracks of a list: one at a time, on to the next at the end of one, with a bar to steer it by.
//
// Spotify's widget is spoken to in the messages that its own iFrame API sends. Its script is not loaded: it needs eval,
// which the page's policy forbids, and no code of others runs here. Without the messages the widget still plays.

import { Hearing } from "./hearing.js";
import "./shortcuts.js";
import { sayLoggedOut, toast } from "./site.js";

const SPOTIFY = "https://open.spotify.com";
const ALLOW = "autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture";
const NEAR_END_SECONDS = 3;
// Longer is not waited to be told why a track cannot be had.
const WHY_MILLISECONDS = 5000;
const PLAYABLE = "[data-spotify], [data-audio]";
const AWAY = "emotune cannot be reached. Check your connection.";

const bar = document.getElementById("now-playing");
const part = Object.fromEntries(
  ["title", "artist", "time", "progress"].map((name) => [name, document.getElementById(`now-${name}`)]),
);

// { track, hearing, isPaused, isKeptOut (already when it was pressed), followsError, audio or frame }
let playing = null;

export function current() {
  return playing?.track ?? null;
}

function coverOf(track) {
  return track.querySelector(PLAYABLE);
}

// A track, or its artist, that the person never wants to hear again.
export function isKeptOut(track) {
  return "keptOut" in track.dataset || Boolean(track.querySelector('.never [aria-pressed="true"]'));
}

function mark(track, isPlaying) {
  track.classList.toggle("is-playing", isPlaying);
  const cover = coverOf(track);
  cover.setAttribute("aria-label", cover.getAttribute("aria-label").replace(/^\w+/, isPlaying ? "Stop" : "Play"));
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

// Show in the bar what plays, and how far it has come.
function paint() {
  bar.hidden = !playing;
  if (!playing) {
    if (navigator.mediaSession) Object.assign(navigator.mediaSession, { playbackState: "none", metadata: null });
    return;
  }
  const { track, hearing, isPaused } = playing;
  for (const name of ["title", "artist"]) {
    // the same words once more would be read out once more
    if (part[name].textContent !== track.dataset[name]) part[name].textContent = track.dataset[name];
  }
  part.time.textContent = hearing.duration ? `${clock(hearing.position)} of ${clock(hearing.duration)}` : "";
  part.progress.max = hearing.duration || 1;
  part.progress.value = Math.min(hearing.position, part.progress.max);
  bar.classList.toggle("is-paused", isPaused);
  bar.querySelector("[data-steer=toggle]").setAttribute("aria-label", isPaused ? "Go on playing" : "Pause");
  if (navigator.mediaSession) navigator.mediaSession.playbackState = isPaused ? "paused" : "playing";
}

// End what plays. A track that the person leaves for another one before it counts as heard was skipped.
function halt({ isSkip = false } = {}) {
  if (!playing) return;
  const { track, audio, frame, hearing } = playing;
  playing = null;
  if (audio) {
    audio.pause();
    audio.currentTime = 0; // going on from the middle would be another hearing of the same track
  }
  frame?.remove();
  mark(track, false);
  hearing.leave(isSkip);
  paint();
}

// End what plays where nothing comes after it: the bar goes, and a focus on it moves to what ended.
function finish(how) {
  const cover = bar.contains(document.activeElement) ? coverOf(playing.track) : null;
  halt(how);
  cover?.focus();
}

function play(track, { followsError = false } = {}) {
  halt({ isSkip: true });
  const { spotify } = coverOf(track).dataset;
  if (spotify) playSpotify(track, spotify);
  else playAudio(track, track.querySelector("audio"), followsError);
  playing.isKeptOut = isKeptOut(track);
  mark(track, true);
  paint();
  if (navigator.mediaSession) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: track.dataset.title, artist: track.dataset.artist });
  }
}

// The page's first widget is opened by a press on its cover or on "Play from the top" only; from then on the list may go
// on by itself, and a key may begin it.
function unasked() {
  return document.body.dataset.spotifyAllowed === "yes" ? PLAYABLE : "[data-audio]";
}

function neighbour(track, way) {
  const all = [...track.parentElement.children].filter((one) => one.matches(".track"));
  const from = all.indexOf(track);
  const rest = way > 0 ? all.slice(from + 1) : all.slice(0, from).reverse();
  return rest.find((one) => one.querySelector(unasked()) && !isKeptOut(one));
}

export function step(way) {
  if (!playing) return;
  const next = neighbour(playing.track, way);
  if (next) {
    play(next);
    next.scrollIntoView({ block: "nearest" });
  } else if (way > 0) finish({ isSkip: true });
  else if (playing.audio) playing.audio.currentTime = 0; // the first begins again, where the page can make it
}

function goOn(track, how) {
  const next = neighbour(track, 1);
  if (!next) return finish();
  halt();
  play(next, how);
}

function toggle() {
  const { audio, frame, isPaused } = playing ?? {};
  if (audio) isPaused ? start(audio) : audio.pause();
  else frame?.contentWindow.postMessage({ command: isPaused ? "resume" : "pause" }, SPOTIFY);
}

function playFirst(wanted) {
  const all = [...document.querySelectorAll(".playlist .track")];
  const first = all.find((track) => track.querySelector(wanted) && !isKeptOut(track));
  if (first) play(first);
  return Boolean(first);
}

// Pause, go on or begin, without asking anything new of Spotify. Says whether there was anything to do.
export function toggleOrBegin() {
  if (!playing) return playFirst(unasked());
  toggle();
  return true;
}

function playAudio(track, audio, followsError = false) {
  playing = { track, audio, followsError, isPaused: false, hearing: new Hearing(track, "audio") };
  follow(audio);
  start(audio);
}

// Safari refuses what nobody pressed for just before, such as the next track of a list: then it waits for a press.
async function start(audio) {
  if (audio.error) audio.load(); // else it would be refused for ever, without another error to go on from
  try {
    await audio.play();
  } catch (error) {
    if (error.name === "AbortError" || playing?.audio !== audio) return; // it was ended or paused meanwhile
    playing.isPaused = true;
    paint();
  }
}

// An audio element that is led to the login says no more than that it has an error.
async function isLoggedOut(address) {
  const signal = AbortSignal.timeout?.(WHY_MILLISECONDS);
  const answer = await fetch(address, { method: "HEAD", cache: "no-store", signal }).catch(() => null);
  if (answer?.redirected) sayLoggedOut(answer);
  return Boolean(answer?.redirected);
}

// Attach to an audio element once; what it says counts while it is the one that plays.
function follow(audio) {
  if (audio.dataset.followed) return;
  audio.dataset.followed = "yes";
  const on = (name, act) => audio.addEventListener(name, () => playing?.audio === audio && act(playing));
  on("timeupdate", ({ hearing }) => {
    hearing.at(audio.currentTime, audio.duration);
    paint();
  });
  for (const name of ["play", "pause"]) {
    on(name, (now) => {
      now.isPaused = audio.paused;
      paint();
    });
  }
  on("playing", (now) => {
    now.followsError = false;
  });
  on("ended", ({ track }) => goOn(track));
  // Where two in a row cannot be had, the rest of the list hardly can: it is not raced through.
  on("error", async (now) => {
    const isOver = navigator.onLine && (await isLoggedOut(audio.src));
    if (playing !== now) return; // it was ended meanwhile
    if (isOver) return finish();
    toast(navigator.onLine ? `${now.track.dataset.title} cannot be played here.` : AWAY);
    if (now.followsError || !navigator.onLine) finish();
    else goOn(now.track, { followsError: true });
  });
}

function playSpotify(track, address) {
  document.body.dataset.spotifyAllowed = "yes";
  const frame = document.createElement("iframe");
  frame.allow = ALLOW;
  frame.title = `Spotify: ${track.dataset.title}`;
  frame.width = "100%";
  frame.height = "152";
  frame.src = `${address}?utm_source=iframe-api`;
  // paused until the widget says that it plays: one that is blocked never does
  playing = { track, frame, isPaused: true, hearing: new Hearing(track, "spotify") };
  track.querySelector(".player").replaceChildren(frame);
}

window.addEventListener("message", ({ origin, source, data }) => {
  if (origin !== SPOTIFY || !playing?.frame || source !== playing.frame.contentWindow) return;
  if (data?.type === "ready") {
    for (const command of ["load_complete_ack", "play"]) source.postMessage({ command }, SPOTIFY);
  } else if (data?.type === "playback_update") {
    const { isPaused, position, duration } = data.payload;
    const { hearing, track } = playing;
    const wasNearEnd = duration > 0 && hearing.position >= duration / 1000 - NEAR_END_SECONDS;
    hearing.at(position / 1000, duration / 1000);
    playing.isPaused = isPaused;
    paint();
    if (isPaused && wasNearEnd && (position === 0 || position >= duration)) goOn(track);
  }
});

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab is asked for
  const track = event.target.closest("[data-spotify], [data-audio]")?.closest(".track");
  const steer = event.target.closest("[data-steer]")?.dataset.steer;
  if (track) {
    event.preventDefault();
    if (playing?.track === track) halt();
    else play(track);
  } else if (event.target.closest("[data-play-all]")) {
    if (!playFirst(PLAYABLE)) toast("None of these can be played here.");
  } else if (steer === "toggle") toggle();
  else if (steer) step(steer === "next" ? 1 : -1);
});

// Someone may press the audio element's own button, too.
document.addEventListener(
  "play",
  ({ target }) => {
    const track = target.closest?.(".track");
    // a word that comes late is of one that was ended meanwhile
    if (!track || target.paused || playing?.audio === target) return;
    halt({ isSkip: true });
    playAudio(track, target);
    playing.isKeptOut = isKeptOut(track);
    mark(track, true);
    paint();
  },
  true,
);

// What plays ends with its row, and when its row says that it is never to be heard again. The next one begins aloud only
// where it was not paused.
document.addEventListener("htmx:afterSwap", () => {
  if (!playing) return;
  const { track, isPaused } = playing;
  if (!track.isConnected) halt();
  else if (playing.isKeptOut || !isKeptOut(track)) playing.isKeptOut = isKeptOut(track);
  else if (isPaused) finish({ isSkip: true });
  else step(1);
});

for (const [action, act] of Object.entries({
  play: toggle,
  pause: toggle,
  nexttrack: () => step(1),
  previoustrack: () => step(-1),
})) {
  navigator.mediaSession?.setActionHandler(action, act);
}
