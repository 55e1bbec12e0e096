// "Is it well?" asks again by itself, unless nobody looks or somebody said to wait; what was opened stays open.

const report = document.getElementById("report");
const pause = document.getElementById("pause");
const spoken = document.getElementById("spoken");

const verdict = () => report.querySelector("[data-verdict]")?.dataset.verdict ?? "";
const rests = () => document.hidden || pause.getAttribute("aria-pressed") === "true";
const lookNow = () => report.dispatchEvent(new Event("look"));

pause.hidden = false;
pause.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(paused));
  if (!paused) lookNow();
});
document.addEventListener("visibilitychange", () => {
  if (!rests()) lookNow();
});

report.addEventListener("htmx:beforeRequest", (event) => {
  if (rests()) event.preventDefault();
});

let opened = [];
let last = verdict();

report.addEventListener("htmx:beforeSwap", () => {
  opened = [...report.querySelectorAll("details[open]")].map((each) => each.id);
});
report.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  // said aloud when it changes, and not every ten seconds
  if (verdict() !== last) spoken.textContent = last = verdict();
});

// Old figures must not pass for new ones.
for (const name of ["htmx:sendError", "htmx:responseError"]) {
  report.addEventListener(name, () => {
    const headline = report.querySelector(".headline");
    headline.className = "headline verdict-act";
    headline.querySelector("b").textContent = spoken.textContent = last = "The web process does not answer. What stands below is old.";
  });
}
