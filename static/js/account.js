// Account pages: a form is sent once however often its button is clicked, and a secret is selected by one click.

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}

// A page that the browser kept and shows again with "back" can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});

for (const field of document.querySelectorAll("[data-select]")) field.addEventListener("focus", () => field.select());

document.querySelector("main [data-focus]")?.focus();
