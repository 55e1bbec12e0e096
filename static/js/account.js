// Account pages: a form is sent once however often its button is clicked, and a secret is selected by one click.

// After that the next page is there, or its loading was stopped: then the form can be sent again.
const ONCE_MILLISECONDS = 10_000;

// Also of a form that htmx puts into the page.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, ONCE_MILLISECONDS);
});

// A page that the browser kept and shows again with "back" can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});

for (const field of document.querySelectorAll("[data-select]")) field.addEventListener("focus", () => field.select());

document.querySelector("main [data-focus]")?.focus();
