// What every page does: show in #notices what went wrong with a request that htmx sent, and move the focus to answers.

const notices = document.getElementById("notices");

export function say(sentence, kind = "error") {
  const notice = document.createElement("p");
  notice.className = `notice ${kind}`;
  notice.textContent = sentence;
  notices.replaceChildren(notice);
  notices.scrollIntoView({ block: "nearest" });
}

// An error that the server put into words is swapped in like any answer: HX-Retarget says that it is one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Retarget")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 404) say("That is not here any more. Reload the page to see what is.");
  else say("emotune could not do that. Reload the page and try again.");
});

document.addEventListener("htmx:sendError", () => {
  say("emotune cannot be reached. Check the connection; what you see here is kept.");
});

// A fragment may ask for the focus, so that the keyboard and a screen reader go on where the answer is.
document.addEventListener("htmx:afterSettle", (event) => {
  event.detail.elt?.querySelector?.("[data-focus]")?.focus();
});
