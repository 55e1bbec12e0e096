// What every page does: say what went wrong with a request that htmx sent, take the focus to answers, show local times.

const notices = document.getElementById("notices");

export function say(sentence) {
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.textContent = sentence;
  notices.replaceChildren(notice);
  notices.scrollIntoView({ block: "nearest" });
}

export function csrfHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers"));
}

// An error that the server put into words is swapped in like any answer: HX-Retarget says that it is one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400 && event.detail.xhr.getResponseHeader("HX-Retarget")) event.detail.shouldSwap = true;
});

const WORDS = {
  403: "emotune could not tell that this came from its own page. Reload the page and try again.",
  404: "That is not here any more. Reload the page to see what is.",
  413: "That is too large to send. Choose a smaller picture.",
};

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Retarget")) return;
  say(WORDS[event.detail.xhr.status] ?? "Something went wrong on our side. Please try again in a moment.");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => say("emotune cannot be reached. Check your connection, then try again."));
}

// What was said is over when the next thing is asked for; polling asks for nothing new.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "get") notices.replaceChildren();
});

// A fragment may ask for the focus, so that the keyboard and a screen reader go on where the answer is.
document.addEventListener("htmx:afterSettle", (event) => {
  const answer = event.target.matches("[data-focus]") ? event.target : event.target.querySelector("[data-focus]");
  answer?.focus();
});

function showLocalTimes(root) {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
}

showLocalTimes(document);
document.addEventListener("htmx:load", (event) => showLocalTimes(event.target));
