// The chips below the photo: they show and hide layers and, while correcting, choose what to paint.

import { byId, capital, el, icon } from "./dom.js";

/**
 * @param {Part[]} parts
 * @param {Stage} stage
 */
export function showLegend(parts, stage) {
  const seen = new Set(); // two bags are one layer
  const chips = parts
    .filter(({ layer, id }) => !seen.has(`${layer} ${id}`) && seen.add(`${layer} ${id}`))
    .reverse()
    .map((part) => chip(part, stage));
  byId("legend").setAttribute("aria-label", "Layers");
  byId("legend").setAttribute("role", "group");
  byId("legend").replaceChildren(...chips);
}

function chip({ layer, id, name, tint }, stage) {
  return el(
    "button",
    {
      type: "button",
      class: "chip-button",
      "aria-pressed": String(!stage.isHidden(layer, id)),
      "--color": tint,
      onclick: ({ currentTarget }) => {
        const hidden = !stage.isHidden(layer, id);
        stage.hide(layer, id, hidden);
        currentTarget.setAttribute("aria-pressed", String(!hidden));
      },
    },
    el("span", { class: "dot" }),
    capital(name),
    icon("eye"),
  );
}

/**
 * Chips of which one is chosen.
 * @param {object[]} kinds id, name and tint of what can be painted
 * @param {number} chosen id
 * @param {(id: number) => void} choose
 */
export function showBrushes(kinds, chosen, choose) {
  const legend = byId("legend");
  legend.setAttribute("role", "radiogroup");
  legend.setAttribute("aria-label", "What to paint");
  const radios = kinds.map(({ id, name, tint }, i) =>
    el(
      "label",
      { class: "chip-button", "--color": tint, title: i < 9 ? `Key ${i + 1}` : null },
      el("input", {
        type: "radio", name: "kind", id: `kind-${id}`, checked: id === chosen,
        onchange: () => choose(id),
      }),
      el("span", { class: "dot" }),
      capital(name),
    ),
  );
  legend.replaceChildren(...radios);
}
