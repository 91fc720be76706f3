// The ids of a photo's pixels, and what a brush does to them.

/** A rectangle {x0, y0, x1, y1} of whole pixels, x1 and y1 outside. */
export function join(a, b) {
  if (!a) return b;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

export class LabelMap {
  /**
   * @param {number} width
   * @param {number} height
   * @param {Uint8Array} ids row by row
   */
  constructor(width, height, ids) {
    Object.assign(this, { width, height, ids });
  }

  get all() {
    return { x0: 0, y0: 0, x1: this.width, y1: this.height };
  }

  /** The id at a place, or 0 outside. */
  at(x, y) {
    const inside = x >= 0 && y >= 0 && x < this.width && y < this.height;
    return inside ? this.ids[y * this.width + x] : 0;
  }

  /** How many pixels each id has, as an array of 256. */
  counts() {
    const counts = new Array(256).fill(0);
    for (const id of this.ids) counts[id]++;
    return counts;
  }

  /**
   * Draw a line with a round brush.
   * @param {{x: number, y: number}} from
   * @param {{x: number, y: number}} to
   * @param {number} radius in pixels of the photo
   * @param {number} id what the pixels become
   * @param {number|null} only change the pixels of this id alone
   * @returns the rectangle touched
   */
  stroke(from, to, radius, id, only = null) {
    const rect = this.#clip({
      x0: Math.floor(Math.min(from.x, to.x) - radius),
      y0: Math.floor(Math.min(from.y, to.y) - radius),
      x1: Math.ceil(Math.max(from.x, to.x) + radius) + 1,
      y1: Math.ceil(Math.max(from.y, to.y) + radius) + 1,
    });
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy;
    for (let y = rect.y0; y < rect.y1; y++) {
      for (let x = rect.x0; x < rect.x1; x++) {
        const along = length ? ((x - from.x) * dx + (y - from.y) * dy) / length : 0;
        const t = Math.min(1, Math.max(0, along));
        const [ox, oy] = [x - from.x - t * dx, y - from.y - t * dy];
        const i = y * this.width + x;
        const counts = only === null || this.ids[i] === only;
        if (counts && ox * ox + oy * oy <= radius * radius) this.ids[i] = id;
      }
    }
    return rect;
  }

  /**
   * Give the connected pixels of one id another one.
   * @returns the rectangle touched, or null where nothing changes
   */
  fill(x, y, id) {
    const old = this.at(x, y);
    if (old === id) return null;
    let rect = null;
    const starts = [[x, y]];
    while (starts.length) {
      const [sx, row] = starts.pop();
      if (this.ids[row * this.width + sx] !== old) continue;
      const base = row * this.width;
      let [left, right] = [sx, sx + 1];
      while (left > 0 && this.ids[base + left - 1] === old) left--;
      while (right < this.width && this.ids[base + right] === old) right++;
      this.ids.fill(id, base + left, base + right);
      rect = join(rect, { x0: left, y0: row, x1: right, y1: row + 1 });
      for (const next of [row - 1, row + 1]) {
        if (next < 0 || next >= this.height) continue;
        for (let i = left; i < right; i++) {
          const here = next * this.width + i;
          const begins = i === left || this.ids[here - 1] !== old;
          if (begins && this.ids[here] === old) starts.push([i, next]);
        }
      }
    }
    return rect;
  }

  /** A copy of a rectangle's ids, row by row. */
  cut(rect) {
    const width = rect.x1 - rect.x0;
    const ids = new Uint8Array(width * (rect.y1 - rect.y0));
    for (let y = rect.y0; y < rect.y1; y++) {
      const start = y * this.width;
      ids.set(this.ids.subarray(start + rect.x0, start + rect.x1), (y - rect.y0) * width);
    }
    return ids;
  }

  /** The inverse of `cut`. */
  paste(rect, ids) {
    const width = rect.x1 - rect.x0;
    for (let y = rect.y0; y < rect.y1; y++) {
      const row = (y - rect.y0) * width;
      this.ids.set(ids.subarray(row, row + width), y * this.width + rect.x0);
    }
  }

  #clip(rect) {
    const within = (value, end) => Math.min(end, Math.max(0, value));
    return {
      x0: within(rect.x0, this.width),
      y0: within(rect.y0, this.height),
      x1: within(rect.x1, this.width),
      y1: within(rect.y1, this.height),
    };
  }
}
