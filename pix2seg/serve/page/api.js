// The server's HTTP interface, with its problem documents as errors.

import { passing } from "./store.js";
import { askToken } from "./token.js";

// Seconds after the first question that a busy or a starting server is asked again: answers count,
// since one that comes at the server's deadline took a minute of its work.
const PATIENCE = 120;
const LONGEST_WAIT = 10;
const GONE = "The server does not answer. Start it again with pix2seg serve, then try once more.";

/** What went wrong, in a sentence to show to people. */
export class Problem extends Error {}

let known = null;

/** Classes, limits and versions, asked for once; waits until the model is ready. */
export function info() {
  known ??= request("v1/info").catch((problem) => {
    known = null; // to be asked again
    throw problem;
  });
  return known;
}

/**
 * The palette document of a photo, with `pictures` and `exports` as it was asked.
 * @param {File} photo
 * @param {{pictures?: string[], exports?: string[], mask?: Uint8Array,
 *   garments?: Uint8Array|boolean}} wanted with masks (indexed PNG of class ids and of garment ids)
 *   what these show, else what the server finds, with garments or without
 * @param {AbortSignal} [signal]
 */
export function segment(photo, { pictures = [], exports = [], mask, garments }, signal) {
  const form = new FormData();
  form.append("photo", photo);
  if (pictures.length) form.append("pictures", pictures.join(","));
  if (exports.length) form.append("exports", exports.join(","));
  if (mask) {
    form.append("classes", "true");
    form.append("mask", new Blob([mask], { type: "image/png" }), "mask.png");
  }
  if (garments === true) form.append("garments", "true");
  else if (garments) {
    form.append("garments", new Blob([garments], { type: "image/png" }), "garments.png");
  }
  return request(mask ? "v1/palette" : "v1/segment", form, signal);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

async function request(path, form, signal) {
  let token = passing.get("token");
  let since = performance.now();
  for (;;) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await reach(path, { method: form ? "POST" : "GET", body: form, headers, signal });
    if (response.ok) return response.json();
    const problem = await response.json().catch(() => ({}));
    const wait = Math.min(Number(response.headers.get("Retry-After")), LONGEST_WAIT);
    if (response.status === 401) {
      token = await askToken(problem.detail);
      if (!token) throw new Problem("The server needs a token.");
      if (!/^[!-~]+$/.test(token)) throw new Problem("This is no token: it has other characters.");
      passing.set("token", token);
      since = performance.now(); // it was a person that was waited for
    } else if (wait && performance.now() - since < PATIENCE * 1000) {
      await pause(wait, signal);
    } else {
      throw new Problem(problem.detail ?? `The server answered ${response.status}.`);
    }
  }
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(GONE);
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
