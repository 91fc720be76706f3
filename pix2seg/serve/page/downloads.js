// Files to take away, one kind or all of them in a zip.

import { fromBase64, segment } from "./api.js";
import { fromHex } from "./colors.js";
import { writeIndexed } from "./png.js";
import { zip } from "./zip.js";

/** Palettes for other programs, and how their files' names end. */
const EXPORTS = { ase: ".ase", gpl: ".gpl", css: ".css", tokens: ".tokens.json" };

/** What to ask the server for, by the name of a download. */
const WANTED = {
  all: { pictures: ["overlay", "cutouts"], exports: Object.keys(EXPORTS) },
  cutouts: { pictures: ["cutouts"] },
  ...Object.fromEntries(Object.keys(EXPORTS).map((kind) => [kind, { exports: [kind] }])),
};

/**
 * Save one kind of file of a photo.
 * @param {Photo} photo
 * @param {"all"|"json"|"mask"|"cutouts"|"ase"|"gpl"|"css"|"tokens"} kind
 * @param {object} facts what /v1/info says
 */
export async function download(photo, kind, facts) {
  const files = await filesOf(photo, kind, facts);
  if (files.length === 1) save(new Blob([files[0].bytes]), files[0].name);
  else save(zip(files), `${photo.stem}.${kind === "all" ? "pix2seg" : kind}.zip`);
}

/** Everything of several photos, as one zip with a folder for each. */
export async function downloadAll(photos, facts) {
  const files = [];
  for (const photo of photos) {
    for (const { name, bytes } of await filesOf(photo, "all", facts)) {
      files.push({ name: `${photo.stem}/${name}`, bytes });
    }
  }
  save(zip(files), "pix2seg.zip");
}

/** Photos with their masks, as `pix2seg prepare folder photos masks` takes them. */
export async function downloadTraining(photos, facts) {
  const files = [];
  for (const photo of photos) {
    const bytes = new Uint8Array(await photo.file.arrayBuffer());
    files.push({ name: `photos/${photo.name}`, bytes });
    for (const { name, bytes } of maskFiles(photo, await encodeMasks(photo, facts))) {
      files.push({ name: `masks/${name}`, bytes });
    }
  }
  save(zip(files), "pix2seg-training.zip");
}

/**
 * The masks of a photo as they are sent and saved.
 * @returns {Promise<{mask: Uint8Array, garments: Uint8Array|undefined}>} indexed PNGs
 */
export async function encodeMasks({ maps }, facts) {
  const colors = (kinds) => kinds.map(({ color }) => fromHex(color));
  return {
    mask: await writeIndexed(maps.classes, colors(facts.classes)),
    garments: maps.garments ? await writeIndexed(maps.garments, colors(facts.garments)) : undefined,
  };
}

async function filesOf(photo, kind, facts) {
  if (kind === "json" && !photo.corrected) return [palette(photo, photo.document)];
  const masks = await encodeMasks(photo, facts);
  if (kind === "mask") return maskFiles(photo, masks);
  const shown = photo.corrected ? masks : { garments: !!facts.garments };
  const answer = await segment(photo.file, { ...WANTED[kind], ...shown });
  const { pictures = {}, exports = {}, ...document } = answer; // photo.document may be an older one
  if (kind === "json") return [palette(photo, document)];
  const whole = kind === "all" ? [palette(photo, document), ...maskFiles(photo, masks)] : [];
  const images = Object.entries(pictures).map(([name, text]) => ({
    name: `${photo.stem}.${name}.png`,
    bytes: fromBase64(text),
  }));
  const palettes = Object.entries(exports).map(([name, { base64 }]) => ({
    name: photo.stem + EXPORTS[name],
    bytes: fromBase64(base64),
  }));
  return [...whole, ...images, ...palettes];
}

function palette(photo, document) {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  return { name: `${photo.stem}.palette.json`, bytes: new TextEncoder().encode(text) };
}

function maskFiles(photo, { mask, garments }) {
  const files = [{ name: `${photo.stem}.mask.png`, bytes: mask }];
  if (garments) files.push({ name: `${photo.stem}.garments.png`, bytes: garments });
  return files;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
