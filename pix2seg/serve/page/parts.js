// What a palette document speaks of, as one list: classes, and garments where there are any.

import { fromHex, tint, toOklab } from "./colors.js";

/**
 * One class or garment.
 * @typedef {object} Part
 * @property {"classes"|"garments"} layer
 * @property {number} id in that layer's label map
 * @property {string} name
 * @property {number} coverage its share of the photo
 * @property {number[]|null} box a garment's box: there may be two bags
 * @property {object[]} colors as in the document
 * @property {number[][]} labs the same colours in OKLab
 * @property {string} tint CSS colour of its layer
 */

/**
 * @param {object} document palette document
 * @param {object} facts what /v1/info says
 * @returns {Part[]} those that the photo shows; garments first, each kind largest first
 */
export function partsOf(document, facts) {
  const garments = (document.garments ?? []).map((garment) =>
    part("garments", facts.garments, garment.kind, garment),
  );
  const classes = Object.entries(document.classes).map(([name, found]) =>
    part("classes", facts.classes, name, found),
  );
  return [...garments, ...classes].filter(({ coverage }) => coverage > 0);
}

/** The tints of a layer's ids as RGB. */
export const tintsOf = (kinds) => kinds.map(({ color }) => tint(color));

function part(layer, kinds, name, { coverage, colors, box = null }) {
  const kind = kinds.find((candidate) => candidate.name === name);
  const labs = colors.map(({ hex }) => toOklab(...fromHex(hex)));
  return {
    layer, id: kind.id, name, coverage, box, colors, labs,
    tint: `rgb(${tint(kind.color).join(" ")})`,
  };
}
