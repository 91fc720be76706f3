// Copying a code.

import { el, say } from "./dom.js";

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyOldWay(text)) return say(`This browser does not let pages copy. The code is ${text}`);
  }
  return say(`${text} copied`);
}

/** Plain http on another machine's address has no `navigator.clipboard`. */
function copyOldWay(text) {
  const focused = document.activeElement;
  const field = el("textarea", { class: "unseen" });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return copied;
}
