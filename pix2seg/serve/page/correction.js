// Brush, eraser and fill on a photo's label map.

import { byId } from "./dom.js";
import { History } from "./history.js";
import { join } from "./label_map.js";
import { showBrushes } from "./legend.js";
import { tint } from "./colors.js";

const KEYS = { b: "brush", e: "eraser", f: "fill" };
const LARGEST_BRUSH = 1 / 8; // radius as a share of the photo's longer side

/**
 * Events: "change" after each tool's use (detail: the photo).
 *
 * Where there are garments they are what is painted, and the classes follow from them.
 */
export class Correction extends EventTarget {
  #stage;
  #probe;
  #photo = null;
  #kinds = [];
  #classOf = [];
  #tool = "brush";
  #chosen = 1;
  #stroke = null;

  /**
   * @param {Stage} stage
   * @param {Probe} probe
   */
  constructor(stage, probe) {
    super();
    [this.#stage, this.#probe] = [stage, probe];
    const picture = byId("picture");
    const follow = (kind, step) => {
      picture.addEventListener(kind, (event) => event.isPrimary && step(event)); // the first finger
    };
    follow("pointerdown", (event) => this.#begin(event));
    follow("pointermove", (event) => this.#go(event));
    follow("pointerup", () => this.#end());
    follow("pointercancel", () => this.#end());
    picture.addEventListener("pointerleave", () => (byId("ring").hidden = true));
    document.addEventListener("keydown", (event) => this.#key(event));
    byId("undo").addEventListener("click", () => this.#revert("undo"));
    byId("redo").addEventListener("click", () => this.#revert("redo"));
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.#take(button.dataset.tool));
    }
  }

  get open() {
    return this.#photo !== null;
  }

  /** Radius of the brush in pixels of the photo. */
  get radius() {
    const { width, height } = this.#map;
    return 0.5 + (byId("size").value / 100) ** 2 * Math.max(width, height) * LARGEST_BRUSH;
  }

  /** Let a photo be corrected. */
  start(photo, facts) {
    this.#photo = photo;
    photo.history ??= new History();
    const kinds = photo.maps.garments ? facts.garments : facts.classes;
    this.#kinds = kinds.map((kind) => ({ ...kind, tint: `rgb(${tint(kind.color).join(" ")})` }));
    this.#classOf = kinds.map(({ name }) => {
      const found = facts.classes.findIndex((candidate) => candidate.name === name);
      return found < 0 ? facts.classes.length - 1 : found; // garments are clothes, the last class
    });
    this.#chosen = Math.min(this.#chosen, kinds.length - 1);
    showBrushes(this.#kinds, this.#chosen, (id) => (this.#chosen = id));
    this.#buttons();
  }

  /** Leave the photo; a stroke that is being drawn ends here. */
  stop() {
    this.#end();
    byId("ring").hidden = true;
    this.#photo = null;
  }

  get #map() {
    return this.#photo.maps.garments ?? this.#photo.maps.classes;
  }

  #begin(event) {
    const spot = this.open && event.button === 0 && this.#stage.place(event);
    if (!spot) return;
    event.target.setPointerCapture(event.pointerId);
    event.preventDefault();
    byId("picture").focus({ preventScroll: true });
    this.#apply(spot);
  }

  #go(event) {
    const spot = this.open && this.#stage.place(event);
    if (!spot) return;
    this.#showRing(spot);
    if (this.#stroke) this.#draw(spot);
  }

  /** Show how far the brush reaches. */
  #showRing({ x, y }) {
    const [ring, scale] = [byId("ring"), this.#stage.magnification];
    const reach = this.#tool === "fill" ? 6 : Math.max(3, this.radius * scale);
    ring.style.setProperty("--across", `${2 * reach}px`);
    ring.style.left = `${x * scale}px`;
    ring.style.top = `${y * scale}px`;
    ring.hidden = false;
  }

  /** Use the tool at a place; a stroke goes on until `#end`. */
  #apply(spot) {
    const map = this.#map;
    this.#stroke = { before: map.ids.slice(), rect: null, last: spot };
    if (this.#tool !== "fill") return this.#draw(spot);
    this.#touched(map.fill(Math.floor(spot.x), Math.floor(spot.y), this.#chosen));
    return this.#end();
  }

  #draw(spot) {
    const erasing = this.#tool === "eraser";
    const [id, only] = erasing ? [0, this.#chosen || null] : [this.#chosen, null];
    this.#touched(this.#map.stroke(this.#stroke.last, spot, this.radius, id, only));
    this.#stroke.last = spot;
  }

  #touched(rect) {
    if (!rect) return;
    this.#stroke.rect = join(this.#stroke.rect, rect);
    this.#follow(rect);
  }

  #end() {
    const { before, rect } = this.#stroke ?? {};
    this.#stroke = null;
    if (!rect) return;
    const map = this.#map;
    const after = map.ids;
    map.ids = before;
    this.#photo.history.push(rect, map.cut(rect));
    map.ids = after;
    this.#changed();
  }

  #revert(way) {
    if (this.#stroke) return; // it ends first
    const rect = this.open && this.#photo.history[way](this.#map);
    if (!rect) return;
    this.#follow(rect);
    this.#changed();
  }

  /** Let the classes and the picture follow the map. */
  #follow(rect) {
    const { classes, garments } = this.#photo.maps;
    if (garments) classes.paste(rect, garments.cut(rect).map((id) => this.#classOf[id]));
    this.#stage.update(rect);
  }

  #changed() {
    this.#buttons();
    this.dispatchEvent(new CustomEvent("change", { detail: this.#photo }));
  }

  #buttons() {
    byId("undo").disabled = !this.#photo.history.canUndo;
    byId("redo").disabled = !this.#photo.history.canRedo;
  }

  #take(tool) {
    this.#tool = tool;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }
  }

  #key(event) {
    if (!this.open) return;
    const here = byId("workbench").contains(event.target); // letters mean nothing elsewhere
    const key = event.key.toLowerCase();
    const [kind, size] = [this.#kinds[Number(key) - 1], byId("size")];
    if (key === "z" && (event.ctrlKey || event.metaKey)) this.#revert(event.shiftKey ? "redo" : "undo");
    else if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (key === " " && event.target === byId("picture")) this.#dab();
    else if (KEYS[key]) this.#take(KEYS[key]);
    else if (kind) byId(`kind-${kind.id}`).click();
    else if (key === "[" || key === "]") size.value = Number(size.value) + (key === "]" ? 5 : -5);
    else return;
    event.preventDefault();
  }

  #dab() {
    if (!this.#probe.spot || this.#stroke) return;
    this.#apply(this.#probe.spot);
    this.#end();
  }
}
