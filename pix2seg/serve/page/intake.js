// How photos come in: chosen, dropped or pasted.

import { byId } from "./dom.js";

const SUFFIXES = /\.(jpe?g|png|webp|tiff?|gif|bmp|avif|hei[cf])$/i;

/** @param {(files: File[]) => void} take */
export function takeFiles(take) {
  const input = byId("file");
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => input.click());
  }
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", (event) => offer(event.clipboardData, take));
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    offer(event.dataTransfer, take);
  });
}

/** Photos go on; of anything else the server says best what is wrong, when it is all there is. */
function offer(data, take) {
  const files = [...data.files];
  const photos = files.filter(({ name, type }) => type.startsWith("image/") || SUFFIXES.test(name));
  if (files.length) take(photos.length ? photos : files);
}
