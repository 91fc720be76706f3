// The photo on its stage: fitted, enlarged, with its layers over it.

import { byId } from "./dom.js";
import { paintLayer, paintLight } from "./layers.js";
import { tintsOf } from "./parts.js";
import { View } from "./view.js";

const LARGEST = 8;

export class Stage {
  /** @type {View|null} */
  view = null;
  #tints = {};
  #photo = null;
  #zoom = 1;
  #hidden = new Set();
  #stage = byId("stage");
  #picture = byId("picture");
  #image = byId("photo");
  #canvases = { classes: byId("classes"), garments: byId("garments") };
  #light = byId("light");

  constructor() {
    new ResizeObserver(() => this.#fit()).observe(this.#stage);
    byId("zoom-in").addEventListener("click", () => this.#enlarge(1.5));
    byId("zoom-out").addEventListener("click", () => this.#enlarge(1 / 1.5));
  }

  /**
   * Show a photo and, when it has been read, its layers.
   * @param {Photo} photo
   * @param {object|null} facts what /v1/info says; null before the photo has been read
   */
  async show(photo, facts) {
    this.view = null;
    this.#photo = photo;
    this.#zoom = 1;
    this.darken();
    for (const canvas of Object.values(this.#canvases)) canvas.hidden = true;
    this.#image.src = photo.url;
    this.#image.alt = photo.name;
    const shown = await this.#image.decode().then(() => true, () => false);
    if (photo !== this.#photo) return;
    this.#picture.hidden = !shown;
    if (!shown) return;
    this.#fit();
    if (!facts) return;
    this.#tints = { classes: tintsOf(facts.classes), garments: tintsOf(facts.garments ?? []) };
    this.view = new View(this.#image, photo.maps);
    for (const [name, canvas] of Object.entries(this.#canvases)) {
      canvas.hidden = !photo.maps[name];
      Object.assign(canvas, { width: this.view.width, height: this.view.height });
    }
    Object.assign(this.#light, { width: this.view.width, height: this.view.height });
    this.#paint({ x0: 0, y0: 0, x1: this.view.width, y1: this.view.height });
  }

  /** Show the layers again where a correction changed them; `rect` in pixels of the photo. */
  update(rect) {
    this.#paint(this.view.sample(rect));
  }

  /** Let everything but a part, or one colour of it, step back. */
  light(part, index = null) {
    if (!this.view) return;
    paintLight(this.#light, this.view, part, index);
    this.#light.hidden = false;
    this.#picture.classList.add("lit");
  }

  darken() {
    this.#light.hidden = true;
    this.#picture.classList.remove("lit");
  }

  isHidden(layer, id) {
    return this.#hidden.has(`${layer} ${id}`);
  }

  hide(layer, id, hidden) {
    if (hidden) this.#hidden.add(`${layer} ${id}`);
    else this.#hidden.delete(`${layer} ${id}`);
    if (this.view) this.update(this.view.maps.classes.all);
  }

  /** Where on the photo an event happened, in its pixels; null beside it. */
  place(event) {
    if (!this.view) return null;
    const box = this.#picture.getBoundingClientRect();
    const { width, height } = this.view.maps.classes;
    const x = ((event.clientX - box.left) / box.width) * width;
    const y = ((event.clientY - box.top) / box.height) * height;
    return x < 0 || y < 0 || x >= width || y >= height ? null : { x, y };
  }

  /** Screen pixels for each pixel of the photo. */
  get magnification() {
    return this.#picture.clientWidth / (this.view?.maps.classes.width ?? 1);
  }

  #paint(area) {
    for (const [name, canvas] of Object.entries(this.#canvases)) {
      if (!this.view.ids[name]) continue;
      const shown = (id) => !this.isHidden(name, id);
      paintLayer(canvas, this.view, name, this.#tints[name], shown, area);
    }
  }

  #fit() {
    const { naturalWidth, naturalHeight } = this.#image;
    if (!naturalWidth) return;
    const { clientWidth, clientHeight } = this.#stage;
    const [across, down] = [clientWidth / naturalWidth, clientHeight / naturalHeight];
    const scale = Math.min(across, down) * this.#zoom;
    this.#picture.style.width = `${Math.floor(naturalWidth * scale)}px`;
    this.#picture.style.height = `${Math.floor(naturalHeight * scale)}px`;
  }

  #enlarge(factor) {
    const stage = this.#stage;
    const zoom = Math.min(LARGEST, Math.max(1, this.#zoom * factor));
    const [x, y] = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
    const grown = zoom / this.#zoom;
    this.#zoom = zoom;
    this.#fit();
    stage.scrollTo(x * grown - stage.clientWidth / 2, y * grown - stage.clientHeight / 2);
  }
}
