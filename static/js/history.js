// The lists of the history: choose all rows of a page, and see how many are chosen.

function rows() {
  return [...document.querySelectorAll('.heard input[type="checkbox"][form="bulk"]')];
}

function tell() {
  const words = document.querySelector("[data-chosen]");
  if (!words) return;
  const chosen = rows().filter((box) => box.checked).length;
  words.textContent = chosen ? `${chosen} chosen:` : "Choose rows, then:";
  const all = document.querySelector("[data-choose-all]");
  all.checked = chosen > 0 && chosen === rows().length;
  all.indeterminate = chosen > 0 && chosen < rows().length;
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-choose-all]")) for (const box of rows()) box.checked = target.checked;
  tell();
});

tell();
document.addEventListener("htmx:load", tell);
