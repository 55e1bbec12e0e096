// A photograph that the server would refuse for its size is refused here, before it is sent. While one is sent, that is said.

const form = document.getElementById("upload-form");
const photo = form.elements.frames;
const said = document.getElementById("upload-said");
const progress = document.getElementById("upload-progress");

photo.addEventListener("change", () => {
  const [file] = photo.files;
  const most = Number(form.dataset.maxBytes);
  const megabytes = (bytes) => Math.ceil(bytes / 1024 ** 2);
  const tooLarge = file && file.size > most;
  photo.setCustomValidity(
    tooLarge ? `This file has ${megabytes(file.size)} MB; up to ${megabytes(most)} MB can be read. Choose a smaller one.` : "",
  );
  photo.reportValidity();
});

form.addEventListener("htmx:beforeRequest", () => {
  said.textContent = "Sending the photograph …";
});

form.addEventListener("htmx:xhr:progress", ({ detail }) => {
  if (!detail.lengthComputable) return;
  progress.value = detail.loaded / detail.total;
  progress.hidden = false;
});

form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== form) return;
  said.textContent = "";
  progress.hidden = true;
  if (event.detail.successful) form.reset();
  else form.querySelector("button").focus(); // it was disabled meanwhile, which took the focus from it
});
