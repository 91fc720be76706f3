// The strip of thumbnails, each with how far it is.

import { byId, el, icon } from "./dom.js";

const STATES = { waiting: "waits", working: "is being read", done: "done", failed: "failed" };

/** @param {Photos} photos */
export function showStrip(photos) {
  const strip = byId("strip");
  const draw = () => {
    const focused = strip.contains(document.activeElement);
    strip.replaceChildren(...photos.list.map((photo) => thumbnail(photo, photos)));
    const current = strip.querySelector("[aria-current]");
    if (focused) current?.focus();
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    progress(photos.list);
  };
  photos.on("list", draw);
  photos.on("select", draw);
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = photos.list[photos.list.indexOf(photos.current) + step];
    if (next) photos.select(next);
    if (event.key === "Delete" && photos.current) photos.remove(photos.current);
  });
}

function thumbnail(photo, photos) {
  const current = photo === photos.current;
  const corrected = photo.corrected ? ", corrected" : "";
  return el(
    "li",
    { class: `thumbnail ${photo.status}` },
    el(
      "button",
      {
        type: "button",
        "aria-current": current && "true",
        "aria-label": `${photo.name}, ${STATES[photo.status]}${corrected}`,
        title: photo.problem || photo.name,
        onclick: () => photos.select(photo),
      },
      el("img", { src: photo.url, alt: "" }),
      photo.corrected ? icon("brush") : null,
    ),
    el(
      "button",
      {
        type: "button",
        class: "remove",
        "aria-label": `Remove ${photo.name}`,
        onclick: () => photos.remove(photo),
      },
      icon("close"),
    ),
  );
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
