// Plays the tracks of a playlist: one at a time, on to the next at the end of one, and a listen noted for what was heard.
//
// Spotify's widget is spoken to in the messages that its own iFrame API sends. Its script is not loaded: it needs eval,
// which the page's policy forbids, and no code of others runs here. Without the messages the widget still plays.

import { csrfHeaders } from "./site.js";

const SPOTIFY = "https://open.spotify.com";
const ALLOW = "autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture";
// A listen is half a minute or half of the track, whichever comes first. Steps longer than this are jumps, not listening.
const LISTEN_SECONDS = 30;
const LONGEST_STEP = 3;

let playing = null;

// How much of one track was really heard; notes the listen once.
class Hearing {
  constructor(track, source) {
    Object.assign(this, { track, source, position: 0, heard: 0, noted: false });
  }

  at(position, duration) {
    const step = position - this.position;
    this.position = position;
    if (step > 0 && step < LONGEST_STEP) this.heard += step;
    if (this.noted || !(duration > 0) || this.heard < Math.min(LISTEN_SECONDS, duration / 2)) return;
    this.noted = true;
    const body = new FormData();
    body.set("source", this.source);
    body.set("playlist", this.track.closest("[data-playlist]").dataset.playlist);
    fetch(this.track.dataset.listens, { method: "POST", headers: csrfHeaders(), body, keepalive: true }).catch(() => {
      this.noted = false; // offline for now: the next step tries again
    });
  }
}

function coverOf(track) {
  return track.querySelector("[data-spotify], [data-audio]");
}

function mark(track, isPlaying) {
  track.classList.toggle("is-playing", isPlaying);
  const cover = coverOf(track);
  cover.setAttribute("aria-label", cover.getAttribute("aria-label").replace(/^\w+/, isPlaying ? "Stop" : "Play"));
}

function halt() {
  if (!playing) return;
  const { track, audio, frame } = playing;
  playing = null;
  audio?.pause();
  frame?.remove();
  mark(track, false);
}

function play(track) {
  halt();
  const { spotify } = coverOf(track).dataset;
  if (spotify) playSpotify(track, spotify);
  else playAudio(track, track.querySelector("audio"));
}

// The page's first widget is opened by a press on its cover only; from then on the list may go on by itself.
function playNext(after) {
  const rest = [...after.parentElement.children].slice([...after.parentElement.children].indexOf(after) + 1);
  const mayAsk = document.body.dataset.spotifyAllowed === "yes";
  const next = rest.find((track) => track.querySelector(mayAsk ? "[data-spotify], [data-audio]" : "[data-audio]"));
  if (next) play(next);
  else halt();
}

function playAudio(track, audio) {
  playing = { track, audio };
  mark(track, true);
  follow(track, audio);
  audio.play().catch(() => {}); // the element itself shows why it cannot
}

function follow(track, audio) {
  if (audio.dataset.followed) return;
  audio.dataset.followed = "yes";
  let hearing = new Hearing(track, "audio");
  audio.addEventListener("timeupdate", () => hearing.at(audio.currentTime, audio.duration));
  audio.addEventListener("ended", () => {
    hearing = new Hearing(track, "audio");
    playNext(track);
  });
}

function playSpotify(track, address) {
  document.body.dataset.spotifyAllowed = "yes";
  const frame = document.createElement("iframe");
  frame.allow = ALLOW;
  frame.title = `Spotify: ${coverOf(track).dataset.title}`;
  frame.width = "100%";
  frame.height = "152";
  frame.src = `${address}?utm_source=iframe-api`;
  playing = { track, frame, hearing: new Hearing(track, "spotify") };
  mark(track, true);
  track.querySelector(".player").replaceChildren(frame);
}

window.addEventListener("message", ({ origin, source, data }) => {
  if (origin !== SPOTIFY || !playing?.frame || source !== playing.frame.contentWindow) return;
  if (data?.type === "ready") {
    for (const command of ["load_complete_ack", "play"]) source.postMessage({ command }, SPOTIFY);
  } else if (data?.type === "playback_update") {
    const { isPaused, position, duration } = data.payload;
    const { hearing, track } = playing;
    const wasNearEnd = duration > 0 && hearing.position >= duration / 1000 - LONGEST_STEP;
    hearing.at(position / 1000, duration / 1000);
    if (isPaused && wasNearEnd && (position === 0 || position >= duration)) playNext(track);
  }
});

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab is asked for
  const cover = event.target.closest("[data-spotify], [data-audio]");
  const all = event.target.closest("[data-play-all]");
  const track = cover?.closest(".track");
  if (track) {
    event.preventDefault();
    if (playing?.track === track) halt();
    else play(track);
  } else if (all) {
    const first = all.closest(".playlist").querySelector("[data-spotify], [data-audio]");
    if (first) play(first.closest(".track"));
  }
});

// Someone may press the audio element's own button, too.
document.addEventListener(
  "play",
  ({ target }) => {
    const track = target.closest?.(".track");
    if (!track || playing?.audio === target) return;
    halt();
    playAudio(track, target);
  },
  true,
);
