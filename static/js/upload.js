// A photograph that the server would refuse for its size is refused here, before it is sent.

const form = document.getElementById("upload-form");
const photo = form.elements.frames;

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

form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== form) return;
  if (event.detail.successful) form.reset();
  else form.querySelector("button").focus(); // it was disabled meanwhile, which took the focus from it
});
