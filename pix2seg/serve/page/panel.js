// The palette beside the photo: quality, and for each part its colours.

import { copy } from "./clipboard.js";
import { byId, capital, el, percent } from "./dom.js";

/**
 * @param {Photo} photo whose document has come
 * @param {Part[]} parts
 * @param {{light: (part: Part, index: number|null) => void, darken: () => void}} pointing
 */
export function showColors(photo, parts, pointing) {
  const { image, quality, review, person } = photo.document;
  byId("colors").replaceChildren(
    el(
      "header",
      {},
      el("h2", { text: photo.name, title: photo.name }),
      el("p", { class: "small", text: `${image.width} × ${image.height} pixels` }),
      typeof quality === "number" ? meter(quality) : null,
      review ? el("p", { class: "review", text: `Worth a look: ${review}` }) : null,
      person.found || photo.corrected || review
        ? null
        : el("p", { class: "review", text: "Nobody was found; the whole photo was read." }),
      photo.corrected ? el("p", { class: "small", text: "Corrected by hand." }) : null,
    ),
    ...parts.map((part) => section(part, pointing)),
    ...(parts.length ? [] : [el("p", { class: "small", text: "No skin, hair or clothes here." })]),
  );
}

/** What stands there before the colours have come, or instead of them, with a way to try again. */
export function showMessage(photo, retry) {
  const waits = photo.status !== "failed";
  byId("colors").replaceChildren(
    el("header", {}, el("h2", { text: photo.name })),
    waits
      ? el("div", { class: "ghost", role: "status", "aria-label": "The photo is being read" },
          ...Array.from({ length: 3 }, () => el("div")))
      : el("div", { class: "failure" },
          el("p", { role: "alert", text: photo.problem }),
          el("button", { type: "button", onclick: retry }, "Try again")),
  );
}

/** Show which colour the pointer is over. */
export function markColor(part, index) {
  for (const row of document.querySelectorAll("#colors .marked")) row.classList.remove("marked");
  if (!part) return;
  const row = byId(rowId(part, index));
  row?.classList.add("marked");
}

function meter(quality) {
  return el(
    "div",
    { class: "quality" },
    el("span", { text: "Quality" }),
    el("meter", { min: 0, max: 1, low: 0.6, high: 0.8, optimum: 1, value: quality,
                  "aria-label": "Estimated quality of the mask" }),
    el("b", { text: Math.round(quality * 100) }),
  );
}

function section(part, { light, darken }) {
  const title = el(
    "h3",
    { "--color": part.tint, onpointerenter: () => light(part, null), onpointerleave: darken },
    el("span", { class: "dot" }),
    capital(part.name),
    el("span", { class: "share", text: percent(part.coverage), title: "of the photo" }),
  );
  const bar = el("div", { class: "bar", "aria-hidden": "true" });
  const rows = el("ul", { "aria-label": `Colours of ${part.name}` });
  part.colors.forEach((color, index) => {
    const pointed = {
      onpointerenter: () => light(part, index),
      onpointerleave: darken,
      onclick: () => copy(color.hex),
    };
    bar.append(el("span", { "--color": color.hex, "--share": color.share, ...pointed }));
    rows.append(el("li", {}, swatch(part, index, color, pointed, darken)));
  });
  return el("section", { class: part.layer }, title, bar, rows);
}

function swatch(part, index, color, pointed, darken) {
  return el(
    "button",
    {
      type: "button",
      id: rowId(part, index),
      class: "swatch",
      title: "Copy the code",
      onfocus: pointed.onpointerenter,
      onblur: darken,
      ...pointed,
    },
    el("span", { class: "chip", "--color": color.hex }),
    el("span", { class: "name" }, ...spoken(color)),
    el("code", { text: color.hex }),
    el("span", { class: "share", text: percent(color.share) }),
  );
}

/** A colour's base name, and after it the one of the long list where that says more. */
function spoken({ basic, name }) {
  return basic === name ? [name] : [`${basic} `, el("span", { class: "small", text: name })];
}

const rowId = ({ layer, id, box }, index) => `color-${layer}-${id}-${(box ?? []).join("-")}-${index}`;
