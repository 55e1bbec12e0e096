// How much of one track was really heard. Notes a listen once there was enough of it, or a skip when there was not.

import { csrfHeaders, sayLoggedOut } from "./site.js";

// A listen is half a minute or half of the track, whichever comes first. Steps longer than this are jumps, not listening.
const LISTEN_SECONDS = 30;
const LONGEST_STEP = 3;
// Less than this was a slip of the hand.
const SKIP_SECONDS = 1;
// A player says four times a second how far it has come; what could not be noted is not tried again as often.
const RETRY_MILLISECONDS = 5000;
// A request that no server answers would leave a track unnoted for as long as the browser waits.
const ANSWER_MILLISECONDS = 15000;

export class Hearing {
  constructor(track, source) {
    Object.assign(this, { track, source, position: 0, duration: 0, heard: 0, noted: false, left: false });
    this.failedAt = -Infinity;
    this.name = `${Date.now()}-${Math.random()}`; // by which the server knows what it is told again
  }

  at(position, duration) {
    const step = position - this.position;
    this.position = position;
    this.duration = Number.isFinite(duration) ? duration : 0;
    if (step > 0 && step < LONGEST_STEP) this.heard += step;
    if (!this.noted && this.#isEnough() && Date.now() - this.failedAt >= RETRY_MILLISECONDS) this.#note();
  }

  // What was heard and could only not be noted yet has its last try. Less of it is a skip if the person went on.
  leave(isSkip) {
    this.left = true;
    if (this.noted) return; // or about to be
    if (this.#isEnough()) this.#note();
    else if (isSkip && this.heard >= SKIP_SECONDS) {
      this.#send(this.track.dataset.skips, { seconds: this.heard.toFixed(1) }).catch(() => {});
    }
  }

  #isEnough() {
    return this.duration > 0 && this.heard >= Math.min(LISTEN_SECONDS, this.duration / 2);
  }

  #note() {
    this.noted = true;
    this.#send(this.track.dataset.listens, { source: this.source, hearing: this.name }).catch(() => {
      const isLast = this.left && this.failedAt > -Infinity;
      Object.assign(this, { noted: false, failedAt: Date.now() }); // away for now: a later step tries again
      if (this.left && !isLast) setTimeout(() => this.#note(), RETRY_MILLISECONDS); // or this, where there is none
    });
  }

  // A stranger's page has no address to send to: nothing is noted of them.
  async #send(address, fields) {
    if (!address) return;
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    body.set("playlist", this.track.closest("[data-playlist]").dataset.playlist);
    const signal = AbortSignal.timeout?.(ANSWER_MILLISECONDS);
    const answer = await fetch(address, { method: "POST", headers: csrfHeaders(), body, keepalive: true, signal });
    if (answer.redirected) sayLoggedOut(answer);
    // a server in trouble has noted nothing, nor has the page to log in that it leads to
    if (answer.redirected || answer.status >= 500) throw new Error(answer.statusText);
  }
}
