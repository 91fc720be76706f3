// The dialog that asks for the server's token.

import { byId } from "./dom.js";

let asking = null;

/**
 * Ask for a token; several requests at once share one dialog.
 * @param {string} [why] the server's own sentence
 * @returns {Promise<string>} empty when the dialog was left
 */
export function askToken(why) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("token");
    byId("token-why").textContent = why ?? "";
    dialog.returnValue = "";
    dialog.showModal();
    const done = () => {
      asking = null;
      resolve(dialog.returnValue === "use" ? byId("token-value").value.trim() : "");
    };
    dialog.addEventListener("close", done, { once: true });
  });
  return asking;
}
