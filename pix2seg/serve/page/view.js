// A photo and its label maps at the size they are shown, which is where pointing at them happens.

import { nearest, toOklab } from "./colors.js";

const MOST_PIXELS = 2_000_000; // beyond it a screen shows no more, and a phone runs out of memory

export class View {
  #lab = null;

  /**
   * @param {HTMLImageElement} image decoded
   * @param {{classes: LabelMap, garments: LabelMap|null}} maps
   */
  constructor(image, maps) {
    const { width, height } = maps.classes;
    this.scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
    this.width = Math.max(1, Math.round(width * this.scale));
    this.height = Math.max(1, Math.round(height * this.scale));
    this.maps = maps;
    this.rgba = this.#pixels(image);
    this.ids = {};
    this.sample(maps.classes.all);
  }

  /**
   * Read the label maps again where they changed.
   * @param rect in pixels of the photo
   * @returns the rectangle in pixels of the view
   */
  sample(rect) {
    const { width, height } = this.maps.classes;
    const [across, down] = [width / this.width, height / this.height];
    const area = {
      x0: Math.floor(rect.x0 / across),
      y0: Math.floor(rect.y0 / down),
      x1: Math.min(this.width, Math.ceil(rect.x1 / across)),
      y1: Math.min(this.height, Math.ceil(rect.y1 / down)),
    };
    for (const [name, map] of Object.entries(this.maps)) {
      if (!map) continue;
      const ids = (this.ids[name] ??= new Uint8Array(this.width * this.height));
      for (let y = area.y0; y < area.y1; y++) {
        const row = Math.floor((y + 0.5) * down) * width;
        for (let x = area.x0; x < area.x1; x++) {
          ids[y * this.width + x] = map.ids[row + Math.floor((x + 0.5) * across)];
        }
      }
    }
    return area;
  }

  /** What is at a place of the photo: its own colour, and its index in the view. */
  at({ x, y }) {
    const column = Math.min(this.width - 1, Math.floor((x * this.width) / this.maps.classes.width));
    const row = Math.min(this.height - 1, Math.floor((y * this.height) / this.maps.classes.height));
    const index = row * this.width + column;
    return {
      index,
      rgb: [...this.rgba.subarray(index * 4, index * 4 + 3)],
    };
  }

  /** Which of a part's colours the pixel at an index counts as. */
  colorOf(index, part) {
    const lab = this.#labs();
    return nearest(part.labs, lab[index * 3], lab[index * 3 + 1], lab[index * 3 + 2]);
  }

  /** Whether the pixel at an index belongs to a part; see parts.js. */
  holds(index, part) {
    if (this.ids[part.layer][index] !== part.id) return false;
    if (!part.box) return true;
    const x = ((index % this.width) * this.maps.classes.width) / this.width;
    const y = (Math.floor(index / this.width) * this.maps.classes.height) / this.height;
    const [x0, y0, x1, y1] = part.box;
    return x >= x0 - 1 && x <= x1 && y >= y0 - 1 && y <= y1;
  }

  #labs() {
    if (this.#lab) return this.#lab;
    const lab = new Float32Array(this.width * this.height * 3);
    for (let i = 0; i < lab.length / 3; i++) {
      const at = i * 4;
      lab.set(toOklab(this.rgba[at], this.rgba[at + 1], this.rgba[at + 2]), i * 3);
    }
    this.#lab = lab;
    return lab;
  }

  #pixels(image) {
    const canvas = new OffscreenCanvas(this.width, this.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, this.width, this.height);
    return context.getImageData(0, 0, this.width, this.height).data;
  }
}
