// How much of one track was really heard. Notes a listen once there was enough of it, or a skip when there was not.

import { csrfHeaders } from "./site.js";

// A listen is half a minute or half of the track, whichever comes first. Steps longer than this are jumps, not listening.
const LISTEN_SECONDS = 30;
const LONGEST_STEP = 3;
// Less than this was a slip of the hand.
const SKIP_SECONDS = 1;

export class Hearing {
  constructor(track, source) {
    Object.assign(this, { track, source, position: 0, duration: 0, heard: 0, noted: false });
  }

  at(position, duration) {
    const step = position - this.position;
    this.position = position;
    this.duration = Number.isFinite(duration) ? duration : 0;
    if (step > 0 && step < LONGEST_STEP) this.heard += step;
    if (this.noted || !(this.duration > 0) || this.heard < Math.min(LISTEN_SECONDS, this.duration / 2)) return;
    this.noted = true;
    this.#send(this.track.dataset.listens, { source: this.source }).catch(() => {
      this.noted = false; // offline for now: the next step tries again
    });
  }

  skip() {
    if (this.noted || this.heard < SKIP_SECONDS) return;
    this.#send(this.track.dataset.skips, { seconds: this.heard.toFixed(1) }).catch(() => {});
  }

  // A stranger's page has no address to send to: nothing is noted of them.
  async #send(address, fields) {
    if (!address) return;
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    body.set("playlist", this.track.closest("[data-playlist]").dataset.playlist);
    await fetch(address, { method: "POST", headers: csrfHeaders(), body, keepalive: true });
  }
}
