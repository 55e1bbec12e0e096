// "Is it well?" asks again by itself, unless nobody looks or somebody said to wait; what was opened or closed stays so.

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

let opened = new Map();
let last = verdict();

report.addEventListener("htmx:beforeSwap", () => {
  opened = new Map([...report.querySelectorAll("details")].map((each) => [each.id, each.open]));
});
report.addEventListener("htmx:afterSwap", () => {
  for (const each of report.querySelectorAll("details")) each.open = opened.get(each.id) ?? each.open;
  // said aloud when it changes, and not every ten seconds
  if (verdict() !== last) spoken.textContent = last = verdict();
});

// Old figures must not pass for new ones.
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  report.addEventListener(name, () => {
    const headline = report.querySelector(".headline");
    headline.className = "headline verdict-act";
    headline.querySelector("b").textContent = spoken.textContent = last = "The web process does not answer. What stands below is old.";
  });
}
