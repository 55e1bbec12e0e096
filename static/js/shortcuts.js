// The keyboard of the player, with the page that lists it; and an undo for what one press does to a track.

import { current, step, toggleOrBegin } from "./player.js";
import { toast } from "./site.js";

const OFF = "emotune.shortcuts";
const dialog = document.getElementById("shortcuts");
const choice = document.getElementById("shortcuts-on");

function press(name) {
  const track = current() ?? document.activeElement.closest(".track");
  track?.querySelector(name)?.click();
}

// A key whose act answers false is left to the browser: Space scrolls the page where there is nothing to play.
const KEYS = {
  " ": () => toggleOrBegin(),
  n: () => step(1),
  p: () => step(-1),
  l: () => press('.rating [id^="like"]'),
  d: () => press('.rating [id^="dislike"]'),
  x: () => press(".never button"),
  u: () => document.querySelector("#toasts button")?.click(),
  "?": () => dialog.showModal(),
};

// Keys that a control understands by itself are left to it. The map's are others than the player's.
function isTaken({ target, key }) {
  if (target.closest("input, select, textarea, audio, [contenteditable]")) return true;
  return key === " " && Boolean(target.closest("button, a, summary"));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || dialog.open || isTaken(event)) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act || !choice.checked) return;
  if (act() !== false) event.preventDefault();
});

// Where the browser keeps no data of sites, it throws when asked for its store: the choice then ends with the page.
function stored(act) {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}

choice.checked = stored((store) => store.getItem(OFF)) !== "off";
choice.addEventListener("change", () => stored((store) => store.setItem(OFF, choice.checked ? "on" : "off")));
document.addEventListener("click", ({ target }) => target.closest("[data-shortcuts]") && dialog.showModal());

// Browsers lend the clipboard to secure addresses only. Elsewhere the older way does, or the text is there to be copied by
// hand.
async function isCopied(field) {
  if (await navigator.clipboard?.writeText(field.value).then(() => true, () => false)) return true;
  field.focus();
  field.select();
  return document.execCommand("copy");
}

document.addEventListener("click", async ({ target }) => {
  const field = document.getElementById(target.closest("[data-copy]")?.dataset.copy);
  if (field) toast((await isCopied(field)) ? "The link is copied." : "Copy the link that is selected.");
});

// --- undo ---

const SAID = { 1: "You like", "-1": "You do not like", 0: "No longer rated:" };
const before = new WeakMap();

function ratingIn(form) {
  if (form.querySelector('[id^="like"][aria-pressed="true"]')) return "1";
  return form.querySelector('[id^="dislike"][aria-pressed="true"]') ? "-1" : "0";
}

// Where its list was replaced meanwhile, there is no place for the answer.
function send(form, values) {
  const isThere = document.getElementById(form.id);
  const place = isThere ? { target: `#${form.id}`, swap: "outerHTML" } : { target: "body", swap: "none" };
  window.htmx.ajax("POST", form.getAttribute("action"), { ...place, values });
}

document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (target.matches(".rating")) before.set(target, ratingIn(target));
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.etc.swapOverride === "none") toast("That was undone."); // nothing else shows it
  const form = detail.requestConfig.elt; // it is out of the page by now: its answer stands in its place
  const track = form.id && document.getElementById(form.id)?.closest(".track");
  if (!detail.successful || !track) return;
  const { title } = track.dataset;
  if (form.matches(".rating")) {
    const [was, is] = [before.get(form), detail.requestConfig.parameters.value];
    toast(`${SAID[is]} ${title}.`, () => send(form, { value: was }));
  } else if (form.matches(".never")) {
    const isKept = track.querySelector('.never [aria-pressed="true"]');
    if (isKept) toast(`You will not hear ${title} again.`, () => send(form, { undo: "1" }));
    else toast(`${title} may be played again.`);
  }
});
