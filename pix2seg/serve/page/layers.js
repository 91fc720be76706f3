// Label maps as tinted layers over the photo.

const FILL = 96; // a tint's opacity of 255, so that colours show through; outlines are opaque
const OUTLINE = 1 / 500; // an outline's width as a share of the longer side

/**
 * Draw one layer, or a rectangle of it.
 * @param {HTMLCanvasElement} canvas of the view's size
 * @param {View} view
 * @param {"classes"|"garments"} name
 * @param {number[][]} tints RGB by id
 * @param {(id: number) => boolean} shown
 * @param {{x0: number, y0: number, x1: number, y1: number}} area in pixels of the view
 */
export function paintLayer(canvas, view, name, tints, shown, area) {
  const ids = view.ids[name];
  const { width, height } = view;
  const reach = Math.max(1, Math.round(Math.max(width, height) * OUTLINE));
  const [x0, y0] = [Math.max(0, area.x0 - reach), Math.max(0, area.y0 - reach)];
  const [x1, y1] = [Math.min(width, area.x1 + reach), Math.min(height, area.y1 + reach)];
  if (x1 <= x0 || y1 <= y0) return;
  const image = new ImageData(x1 - x0, y1 - y0);
  const visible = tints.map((_, id) => id > 0 && shown(id));
  for (let y = y0; y < y1; y++) {
    const up = Math.max(0, y - reach) * width;
    const down = Math.min(height - 1, y + reach) * width;
    for (let x = x0; x < x1; x++) {
      const id = ids[y * width + x];
      if (!visible[id]) continue;
      const inside =
        ids[up + x] === id &&
        ids[down + x] === id &&
        ids[y * width + Math.max(0, x - reach)] === id &&
        ids[y * width + Math.min(width - 1, x + reach)] === id;
      const at = ((y - y0) * (x1 - x0) + x - x0) * 4;
      image.data.set(tints[id], at);
      image.data[at + 3] = inside ? FILL : 255;
    }
  }
  canvas.getContext("2d").putImageData(image, x0, y0);
}

/**
 * Veil all but the pixels of one part, or of one of its colours.
 * @param {HTMLCanvasElement} canvas of the view's size
 * @param {View} view
 * @param {Part} part
 * @param {number|null} index of the colour
 */
export function paintLight(canvas, view, part, index) {
  const image = new ImageData(view.width, view.height);
  const lit = part.labs[index ?? 0];
  const veil = lit && lit[0] < 0.55 ? 246 : 18; // dark colours on light, light ones on dark
  const pixels = new Uint32Array(image.data.buffer);
  const veiled = (214 << 24) | (veil << 16) | (veil << 8) | veil;
  for (let i = 0; i < pixels.length; i++) {
    const shines = view.holds(i, part) && (index === null || view.colorOf(i, part) === index);
    if (!shines) pixels[i] = veiled;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
