// Days begin at the person's own midnight: tells the server the browser's time zone, and asks again for a journal that
// was drawn in another one. A zone that was chosen on the page stands in its address and is left alone.

const journal = document.getElementById("journal");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const told = document.cookie.match(/(?:^|;\s*)time_zone=([^;]+)/)?.[1];
const isChosen = new URLSearchParams(window.location.search).has("time_zone");

if (journal && here && !isChosen && here !== journal.dataset.timeZone && here !== told) {
  const safely = window.location.protocol === "https:" ? "; secure" : "";
  document.cookie = `time_zone=${here}; path=/journal/; max-age=31536000; samesite=lax${safely}`;
  window.htmx.ajax("GET", window.location.href, { target: "#journal", swap: "outerHTML" });
}
