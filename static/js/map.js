// Draws the catalogue's map on a canvas from the numbers of tracks by cell, and plays what lies in the cell that is chosen.
//
// The server counts: what is sent and drawn depends on the cells in view, never on how many tracks there are.

import { isKeptOut } from "./player.js";
import { say, unsay } from "./site.js";

const page = document.getElementById("map");
const canvas = document.getElementById("map-canvas");
const status = document.getElementById("map-status");
const rows = document.getElementById("map-rows");
const tracks = document.getElementById("map-tracks");
const buttons = [...page.querySelectorAll("[data-show]")];
const { side, perUnit, largest, maxZoom } = JSON.parse(document.getElementById("map-settings").textContent);
const LEFT = 30;
const BOTTOM = 28;
const ROWS = 12;
// A press this many pixels from where it began is a drag; one that misses a cell by so many cells still means it.
const DRAG = 5;
const NEAR = 2;
const WHEEL_MS = 250;
const HALO = 1.5; // pixels of the surface around a sign
const ANSWER_MILLISECONDS = 15000;
const NOT_LOADED = "The map could not be loaded. Check your connection, then try again.";

// In the order of the server's numbers; the last is of tracks without an emotion.
const emotions = buttons.slice(1).map(({ dataset }) => ({ name: dataset.emotion, glyph: dataset.glyph }));
emotions.push({ name: "untagged", glyph: "·" });

let view = { zoom: 0, x: 0, y: 0 };
let cells = new Map();
let cursor = null;
let shown = -1; // the emotion that is shown alone
let asked = null;
let choice = 0; // counts what was chosen: an answer to an earlier choice plays nothing
let drag = null;
let dragged = false;
let wheeled = 0;

const key = (x, y) => `${x},${y}`;
const unit = (zoom) => perUnit * 2 ** zoom;
const number = new Intl.NumberFormat("en-GB");

function clamp({ zoom, x, y }) {
  const last = unit(zoom) * largest + 1 - side;
  return { zoom, x: Math.max(0, Math.min(last, Math.round(x))), y: Math.max(0, Math.min(last, Math.round(y))) };
}

async function load(next) {
  asked?.abort();
  const mine = (asked = new AbortController());
  const late = setTimeout(() => mine.abort("late"), ANSWER_MILLISECONDS);
  const { zoom, x, y } = clamp(next);
  try {
    const answer = await fetch(`${page.dataset.bins}?${new URLSearchParams({ zoom, x, y })}`, { signal: mine.signal });
    if (answer.redirected) return location.reload(); // logged out meanwhile
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
    unsay(NOT_LOADED);
  } catch (error) {
    if (error.name !== "AbortError") say(NOT_LOADED);
  } finally {
    clearTimeout(late);
  }
}

function show({ zoom, x, y, bins }) {
  const factor = 2 ** (zoom - view.zoom);
  if (cursor) cursor = { x: Math.floor(cursor.x * factor), y: Math.floor(cursor.y * factor) };
  view = { zoom, x, y };
  cells = new Map();
  for (let i = 0; i < bins.length; i += 4) {
    const place = key(bins[i], bins[i + 1]);
    if (!cells.has(place)) cells.set(place, { x: bins[i], y: bins[i + 1], counts: Array(emotions.length).fill(0) });
    cells.get(place).counts[bins[i + 2]] += bins[i + 3];
  }
  if (drag?.released) drag = null;
  if (cursor && !isInView(cursor)) cursor = null;
  count();
  draw();
}

function isInView({ x, y }) {
  return x >= view.x && y >= view.y && x < view.x + side && y < view.y + side;
}

const sum = (counts) => counts.reduce((total, n) => total + n, 0);
const size = (cell) => (shown < 0 ? sum(cell.counts) : cell.counts[shown]);
const main = (cell) => (shown < 0 ? cell.counts.indexOf(Math.max(...cell.counts)) : shown);
const inOrder = () => [...cells.values()].filter((cell) => size(cell) > 0).sort((a, b) => size(b) - size(a));

// --- words ---

function bounds(start) {
  return `${+(start / unit(view.zoom)).toFixed(3)} to ${+((start + 1) / unit(view.zoom)).toFixed(3)}`;
}

function words(cell) {
  const parts = emotions.map(({ name }, i) => [cell.counts[i], name]).filter(([n], i) => n && (shown < 0 || i === shown));
  const said = parts.sort((a, b) => b[0] - a[0]).map(([n, name]) => `${number.format(n)} ${name}`);
  const total = size(cell);
  return `Valence ${bounds(cell.x)}, arousal ${bounds(cell.y)}: ${number.format(total)} track${total === 1 ? "" : "s"} (${said.join(", ")}).`;
}

function count() {
  const totals = emotions.map((_, i) => [...cells.values()].reduce((total, cell) => total + cell.counts[i], 0));
  buttons.slice(1).forEach((button, i) => {
    button.querySelector("[data-count]").textContent = number.format(totals[i]);
  });
  const total = shown < 0 ? sum(totals) : totals[shown];
  status.textContent = `${number.format(total)} track${total === 1 ? "" : "s"} in view${view.zoom ? `, enlarged ${2 ** view.zoom} times` : ""}.`;
  rows.replaceChildren(...inOrder().slice(0, ROWS).map(row));
}

function row(cell) {
  const line = document.createElement("tr");
  const { glyph, name } = emotions[main(cell)];
  for (const text of [bounds(cell.x), bounds(cell.y), `${glyph} ${name}`, number.format(size(cell))]) {
    line.insertCell().textContent = text;
  }
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet", textContent: "Play" });
  button.setAttribute("aria-label", `Play valence ${bounds(cell.x)}, arousal ${bounds(cell.y)}`);
  button.addEventListener("click", () => choose(cell));
  line.insertCell().append(button);
  return line;
}

// --- drawing ---

function colours() {
  const style = getComputedStyle(page);
  const named = Object.fromEntries(["ink", "muted", "line", "surface"].map((name) => [name, style.getPropertyValue(`--${name}`)]));
  named.emotions = buttons.slice(1).map((button) => getComputedStyle(button).getPropertyValue("--emotion"));
  named.emotions.push(named.muted);
  return named;
}

const cellSize = () => (canvas.clientWidth - LEFT) / side;

function draw() {
  const width = canvas.clientWidth;
  if (!width) return;
  const plot = width - LEFT;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((plot + BOTTOM) * ratio);
  const pen = canvas.getContext("2d");
  const paint = colours();
  pen.scale(ratio, ratio);
  drawAxes(pen, plot, paint);
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, plot, plot);
  pen.clip();
  if (drag) pen.translate(drag.dx, drag.dy);
  drawCells(pen, plot, paint);
  pen.restore();
}

function drawAxes(pen, plot, paint) {
  const cell = plot / side;
  pen.font = "12px sans-serif";
  pen.lineWidth = 1;
  pen.strokeStyle = paint.line;
  pen.fillStyle = paint.muted;
  for (let place = Math.ceil(view.x / perUnit) * perUnit; place <= view.x + side; place += perUnit) {
    const at = LEFT + (place - view.x) * cell;
    line(pen, at, 0, at, plot);
    pen.textAlign = "center";
    if (at < LEFT + plot - 6) pen.fillText(String(+(place / unit(view.zoom)).toFixed(3)), at, plot + 13);
  }
  for (let place = Math.ceil(view.y / perUnit) * perUnit; place <= view.y + side; place += perUnit) {
    const at = plot - (place - view.y) * cell;
    line(pen, LEFT, at, LEFT + plot, at);
    pen.textAlign = "right";
    if (at > 10) pen.fillText(String(+(place / unit(view.zoom)).toFixed(2)), LEFT - 4, at + 4);
  }
  pen.fillStyle = paint.ink;
  pen.textAlign = "right";
  pen.fillText("valence →", LEFT + plot, plot + 26);
  pen.textAlign = "left";
  pen.fillText("↑ arousal", 0, plot + 26);
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

function drawCells(pen, plot, paint) {
  const cell = plot / side;
  const found = inOrder();
  const most = Math.log1p(found.length ? size(found[0]) : 1);
  const share = (item) => Math.log1p(size(item)) / most;
  for (const item of found) {
    pen.fillStyle = paint.emotions[main(item)];
    pen.globalAlpha = 0.06 + 0.34 * share(item);
    pen.fillRect(LEFT + (item.x - view.x) * cell, plot - (item.y - view.y + 1) * cell, cell, cell);
  }
  pen.globalAlpha = 1;
  for (const item of found) drawSign(pen, plot, paint, item, Math.round(cell * (0.45 + 0.75 * share(item))));
  if (!cursor) return;
  pen.strokeStyle = paint.ink;
  pen.lineWidth = 2;
  pen.strokeRect(LEFT + (cursor.x - view.x) * cell - 1, plot - (cursor.y - view.y + 1) * cell - 1, cell + 2, cell + 2);
}

// A sign has the surface around it: on its own tint not every colour is 3:1.
function drawSign(pen, plot, paint, item, pixels) {
  const { glyph } = emotions[main(item)];
  const place = [LEFT + (item.x - view.x + 0.5) * (plot / side), plot - (item.y - view.y + 0.5) * (plot / side)];
  pen.font = `${pixels}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 2 * HALO;
  pen.strokeStyle = paint.surface;
  pen.strokeText(glyph, ...place);
  pen.fillStyle = paint.emotions[main(item)];
  pen.fillText(glyph, ...place);
}

// --- choosing and moving ---

async function choose(cell) {
  const mine = ++choice;
  cursor = { x: cell.x, y: cell.y };
  draw();
  const said = words(cell);
  status.textContent = said;
  tracks.querySelector(".is-playing .cover")?.click(); // stops it: its row goes away
  tracks.replaceChildren(); // an error leaves nothing of another place to play
  const area = `${view.zoom}-${cell.x}-${cell.y}`;
  const query = new URLSearchParams({ area });
  if (shown >= 0) query.set("emotion", emotions[shown].name);
  const here = { source: tracks, target: tracks, swap: "innerHTML" };
  try {
    await window.htmx.ajax("GET", `${page.dataset.tracks}?${query}`, here);
  } catch {
    return; // site.js has said that emotune is away, or another choice took this one's place
  }
  if (mine !== choice || !tracks.firstElementChild) return;
  const wanted = [...tracks.querySelectorAll(".track")].filter((track) => !isKeptOut(track));
  const first = wanted.map((track) => track.querySelector("[data-spotify], [data-audio]")).find(Boolean);
  status.textContent = said + (first ? " The first that can be played here plays now." : " None of them can be played here.");
  first?.click();
}

function nearest(x, y) {
  const distance = (cell) => Math.hypot(cell.x + 0.5 - x, cell.y + 0.5 - y);
  return inOrder().filter((cell) => distance(cell) < NEAR).sort((a, b) => distance(a) - distance(b))[0];
}

function placeOf({ offsetX, offsetY }) {
  const plot = canvas.clientWidth - LEFT;
  return { x: view.x + (offsetX - LEFT) / cellSize(), y: view.y + (plot - offsetY) / cellSize() };
}

// Enlarges or reduces around a place, which stays where it is on the screen.
function zoom(step, place = cursor ?? { x: view.x + side / 2, y: view.y + side / 2 }) {
  const next = view.zoom + step;
  if (next < 0 || next > maxZoom) return;
  const factor = 2 ** step;
  load({ zoom: next, x: place.x * factor - (place.x - view.x), y: place.y * factor - (place.y - view.y) });
}

function pan(dx, dy) {
  return load({ zoom: view.zoom, x: view.x + dx, y: view.y + dy });
}

async function step(dx, dy) {
  const from = cursor ?? inOrder()[0] ?? { x: view.x, y: view.y };
  const end = unit(view.zoom) * largest;
  const to = cursor ? { x: from.x + dx, y: from.y + dy } : { x: from.x, y: from.y };
  cursor = { x: Math.max(0, Math.min(end, to.x)), y: Math.max(0, Math.min(end, to.y)) };
  if (!isInView(cursor)) {
    const half = side >> 1;
    await load({ zoom: view.zoom, x: dx ? cursor.x - half : view.x, y: dy ? cursor.y - half : view.y });
    if (!cursor || !isInView(cursor)) return; // not loaded, or a later step goes on from here
  }
  draw();
  const cell = cells.get(key(cursor.x, cursor.y));
  const empty = `Valence ${bounds(cursor.x)}, arousal ${bounds(cursor.y)}: no tracks.`;
  status.textContent = cell && size(cell) ? words(cell) : empty;
}

const QUARTER = Math.floor(side / 4);
const ACTS = {
  in: () => zoom(1),
  out: () => zoom(-1),
  left: () => pan(-QUARTER, 0),
  right: () => pan(QUARTER, 0),
  up: () => pan(0, QUARTER),
  down: () => pan(0, -QUARTER),
  all: () => load({ zoom: 0, x: 0, y: 0 }),
};

const KEYS = {
  "+": ACTS.in,
  "=": ACTS.in,
  "-": ACTS.out,
  0: ACTS.all,
  ArrowLeft: () => step(-1, 0),
  ArrowRight: () => step(1, 0),
  ArrowUp: () => step(0, 1),
  ArrowDown: () => step(0, -1),
  Enter: () => {
    const cell = cursor && cells.get(key(cursor.x, cursor.y));
    if (cell && size(cell)) choose(cell);
  },
};

page.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-act], [data-show]");
  if (button?.dataset.act) ACTS[button.dataset.act]();
  if (button?.dataset.show === undefined) return;
  shown = buttons.indexOf(button) - 1;
  for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
  count();
  draw();
});

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

canvas.addEventListener("pointerdown", (event) => {
  dragged = false; // of an earlier press: a finger never drags, and its tap is a click
  if (event.button !== 0 || event.pointerType !== "mouse") return;
  drag = { x: event.clientX, y: event.clientY, dx: 0, dy: 0 };
  canvas.setPointerCapture(event.pointerId);
});

canvas.addEventListener("pointermove", (event) => {
  if (!drag || drag.released) return;
  drag.dx = event.clientX - drag.x;
  drag.dy = event.clientY - drag.y;
  requestAnimationFrame(draw);
});

// What was dragged stays where it was let go until the cells of its new place are there.
async function drop() {
  if (!drag || drag.released) return;
  drag.released = true;
  const mine = drag;
  dragged = Math.hypot(mine.dx, mine.dy) >= DRAG;
  if (dragged) await pan(-mine.dx / cellSize(), mine.dy / cellSize());
  if (drag === mine) drag = null;
  draw();
}

canvas.addEventListener("pointerup", drop);
canvas.addEventListener("pointercancel", drop);

canvas.addEventListener("click", (event) => {
  if (dragged) return;
  const { x, y } = placeOf(event);
  const cell = nearest(x, y);
  if (cell) choose(cell);
});

canvas.addEventListener(
  "wheel",
  (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return; // the page is scrolled
    event.preventDefault();
    if (event.timeStamp - wheeled < WHEEL_MS) return;
    wheeled = event.timeStamp;
    zoom(event.deltaY < 0 ? 1 : -1, placeOf(event));
  },
  { passive: false },
);

new ResizeObserver(draw).observe(canvas);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
load(view);
