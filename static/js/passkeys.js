// Pages with passkeys: show the button where the browser knows them, and say what went wrong in words.

import { say } from "./site.js";

const WORDS = {
  NotAllowedError: "No passkey was used: it was cancelled, or it took too long. You can try again.",
  InvalidStateError: "This device is a passkey of your account already.",
  SecurityError: "Passkeys work at an address with https and a name alone, or at http://localhost.",
};

if (window.PublicKeyCredential) {
  for (const button of document.querySelectorAll("[data-passkey]")) button.hidden = false;
} else {
  for (const words of document.querySelectorAll("[data-no-passkey]")) words.hidden = false;
}

// Enter in the name's field means the button, too: sent without a passkey, the form could only come back.
const add = document.getElementById("passkey_add");
add?.form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!add.hidden) add.click();
});

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  say(WORDS[event.detail.exception?.name] ?? "The passkey could not be used. Please try again.");
});
