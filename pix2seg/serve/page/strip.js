// The strip of thumbnails, each with how far it is.

import { byId, el, icon } from "./dom.js";

const STATES = { waiting: "waits", working: "is being read", done: "done", failed: "failed" };
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** @param {Photos} photos */
export function showStrip(photos) {
  const strip = byId("strip");
  const thumbnails = new Map();
  const draw = () => {
    const focused = strip.contains(document.activeElement);
    for (const photo of thumbnails.keys()) {
      if (!photos.list.includes(photo)) thumbnails.get(photo).remove();
    }
    for (const photo of photos.list) {
      if (!thumbnails.has(photo)) thumbnails.set(photo, thumbnail(photo, photos));
      const item = thumbnails.get(photo);
      if (!item.isConnected) strip.append(item);
      update(item, photo, photo === photos.current);
    }
    const current = strip.querySelector("[aria-current]");
    if (focused && !strip.contains(document.activeElement)) current?.focus();
    progress(photos.list);
  };
  photos.on("list", draw);
  photos.on("select", draw);
  photos.on("select", () => {
    strip.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  strip.addEventListener("keydown", ({ key, target }) => {
    const at = photos.list.findIndex((photo) => thumbnails.get(photo).contains(target));
    if (key === "Delete") return photos.remove(photos.list[at]);
    const next = photos.list[at + STEPS[key]];
    if (!next) return;
    photos.select(next);
    strip.querySelector("[aria-current]").focus();
  });
}

function thumbnail(photo, photos) {
  const choose = el(
    "button",
    { type: "button", class: "choose", onclick: () => photos.select(photo) },
    el("img", { alt: "" }),
  );
  const remove = el(
    "button",
    {
      type: "button",
      class: "remove",
      "aria-label": `Remove ${photo.name}`,
      onclick: () => photos.remove(photo),
    },
    icon("close"),
  );
  return el("li", {}, choose, remove);
}

function update(item, photo, current) {
  const choose = item.querySelector(".choose");
  const image = choose.querySelector("img");
  item.className = `thumbnail ${photo.status}${photo.corrected ? " corrected" : ""}`;
  choose.setAttribute(
    "aria-label",
    `${photo.name}, ${STATES[photo.status]}${photo.corrected ? ", corrected" : ""}`,
  );
  choose.title = photo.problem || photo.name;
  if (current) choose.setAttribute("aria-current", "true");
  else choose.removeAttribute("aria-current");
  if (image.src !== photo.url) image.src = photo.url;
}

function progress(list) {
  const ended = list.filter(({ status }) => status === "done" || status === "failed").length;
  const bar = byId("progress");
  bar.max = list.length || 1;
  bar.value = ended;
  bar.hidden = ended === list.length;
  byId("progress-text").textContent =
    ended === list.length ? "" : `${ended} of ${list.length} photos`;
}
