// What every page does: say what went wrong with a request that htmx sent, take the focus to answers, show local times.

document.documentElement.classList.add("scripted"); // for a browser whose styles cannot ask whether scripts run

const notices = document.getElementById("notices");
const toasts = document.getElementById("toasts");
const TOAST_MILLISECONDS = 12_000;

export function say(sentence, link) {
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.append(sentence);
  if (link) notice.append(" ", link);
  if (notices.textContent.trim() === notice.textContent) return; // a page that asks again and again says it once
  notices.replaceChildren(notice);
  notices.scrollIntoView({ block: "nearest" });
}

// For a request that was redirected: only the login is ever in the place of an answer. From there one comes back here.
export function sayLoggedOut({ url }) {
  const link = document.createElement("a");
  link.href = url;
  link.search = new URLSearchParams({ next: location.pathname + location.search });
  link.textContent = "Log in again.";
  say("You are no longer logged in.", link);
}

// What was said is not so any more.
export function unsay(sentence) {
  if (notices.textContent.trim() === sentence) notices.replaceChildren();
}

// Tell what was just done; `undo` takes it back at a press. What it undoes can be undone in its own place for ever.
export function toast(sentence, undo) {
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("p");
  words.textContent = sentence;
  box.append(words);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Undo";
    // Back to where the focus was: by its id, for an answer may have put another one in its place by now.
    const { id } = document.activeElement;
    button.addEventListener("click", () => {
      if (box.contains(document.activeElement)) document.getElementById(id)?.focus();
      box.remove();
      undo();
    });
    box.append(button);
  }
  toasts.replaceChildren(box);
}

// Also one that an answer brought goes by itself, once nobody points at it or has the focus in it.
new MutationObserver((changes) => {
  for (const box of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
    const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : box.remove());
    if (box instanceof Element) setTimeout(leave, TOAST_MILLISECONDS);
  }
}).observe(toasts, { childList: true });

// The secret that forms carry; the cookie's, for another tab may have logged in since this page was made.
export function csrfToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1];
}

export function csrfHeaders() {
  const token = csrfToken();
  return token ? { "X-CSRFToken": token } : JSON.parse(document.body.getAttribute("hx-headers"));
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  Object.assign(detail.headers, csrfHeaders());
  if (csrfToken() && detail.parameters.csrfmiddlewaretoken) detail.parameters.csrfmiddlewaretoken = csrfToken();
});

// An error that the server put into words is swapped in like any answer: HX-Retarget says that it is one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400 && event.detail.xhr.getResponseHeader("HX-Retarget")) event.detail.shouldSwap = true;
});

const WORDS = {
  403: "emotune could not tell that this came from its own page. Reload the page and try again.",
  404: "That is not here any more. Reload the page to see what is.",
  413: "That is too large to send. Choose a smaller picture.",
  503: "A part of emotune does not answer just now. Please try again in a moment.",
};
const AWAY = "emotune cannot be reached. Check your connection, then try again.";

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Retarget")) return;
  say(WORDS[event.detail.xhr.status] ?? "Something went wrong on our side. Please try again in a moment.");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => say(AWAY));

// What was said is over when the next thing is asked for, and that emotune is away when it answers again.
const PASSING = [AWAY, WORDS[503]];
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "get") notices.replaceChildren();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { status } = event.detail.xhr;
  if (status && status < 500) PASSING.forEach(unsay);
});

// A fragment may ask for the focus, so that the keyboard and a screen reader go on where the answer is.
document.addEventListener("htmx:afterSettle", (event) => {
  const answer = event.target.matches("[data-focus]") ? event.target : event.target.querySelector("[data-focus]");
  answer?.focus();
  // what went wrong stands at the top; the button that was pressed may be far below
  if (event.target === notices) notices.scrollIntoView({ block: "nearest" });
});

function showLocalTimes(root) {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
}

showLocalTimes(document);
document.addEventListener("htmx:load", (event) => showLocalTimes(event.target));
