// What is under the pointer: class, garment and colour.

import { toHex } from "./colors.js";
import { byId, capital, el } from "./dom.js";

const STEPS = 60; // arrow keys cross the longer side in so many steps

export class Probe {
  #stage;
  #parts;
  #mark;
  #spot = null;

  /**
   * @param {Stage} stage
   * @param {() => Part[]} parts of the photo that is shown
   * @param {(part: Part|null, index: number) => void} mark shows a colour in the palette
   */
  constructor(stage, parts, mark) {
    [this.#stage, this.#parts, this.#mark] = [stage, parts, mark];
    const picture = byId("picture");
    picture.addEventListener("pointermove", (event) => this.#show(stage.place(event)));
    picture.addEventListener("pointerdown", (event) => this.#show(stage.place(event)));
    picture.addEventListener("pointerleave", () => this.hide());
    picture.addEventListener("blur", () => this.hide());
    picture.addEventListener("keydown", (event) => {
      const spot = event.target === picture && this.#moved(event);
      if (!spot) return;
      event.preventDefault();
      this.#show(spot, true);
    });
  }

  /** Where the keyboard has brought the crosshair, in pixels of the photo. */
  get spot() {
    return this.#spot;
  }

  hide() {
    byId("probe").hidden = true;
    byId("crosshair").hidden = true;
    this.#spot = null;
    this.#mark(null, -1);
  }

  /** What a place shows: the part that says most, the index of its colour, its own colour. */
  read(spot) {
    const view = this.#stage.view;
    const found = view.at(spot);
    const holding = this.#parts().filter((part) => view.holds(found.index, part));
    const part = holding[0] ?? null; // garments come before classes
    return {
      names: [...new Set(holding.map(({ name }) => name))].reverse(),
      part,
      index: part ? view.colorOf(found.index, part) : -1,
      hex: toHex(found.rgb),
    };
  }

  #show(spot, byKeys = false) {
    if (!spot || !this.#stage.view) return this.hide();
    this.#spot = spot;
    const { names, part, index, hex } = this.read(spot);
    const color = part?.colors[index];
    const where = capital(names.join(", ")) || "Background";
    const probe = byId("probe");
    probe.replaceChildren(
      el("span", { class: "chip", "--color": hex }),
      el("span", {}, el("b", { text: where }), el("span", { text: color ? color.basic : hex })),
    );
    if (color) probe.lastChild.append(el("code", { text: hex }));
    probe.hidden = false;
    this.#position(probe, spot, byKeys);
    this.#mark(part, index);
    if (byKeys) byId("spoken").textContent = `${where}, ${color ? color.basic : ""} ${hex}`;
  }

  #position(probe, spot, byKeys) {
    const scale = this.#stage.magnification;
    const [picture, stage] = [byId("picture"), byId("stage")];
    const x = picture.offsetLeft + spot.x * scale;
    const y = picture.offsetTop + spot.y * scale;
    const right = x - stage.scrollLeft + probe.offsetWidth + 28 < stage.clientWidth;
    const below = y - stage.scrollTop + probe.offsetHeight + 28 < stage.clientHeight;
    probe.style.left = `${right ? x + 16 : x - probe.offsetWidth - 16}px`;
    probe.style.top = `${below ? y + 16 : y - probe.offsetHeight - 16}px`;
    const crosshair = byId("crosshair");
    crosshair.hidden = !byKeys;
    crosshair.style.left = `${spot.x * scale}px`;
    crosshair.style.top = `${spot.y * scale}px`;
    if (byKeys) crosshair.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #moved({ key }) {
    const view = this.#stage.view;
    const [dx, dy] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [];
    if (!view || dx === undefined) return null;
    const { width, height } = view.maps.classes;
    const step = Math.max(1, Math.max(width, height) / STEPS);
    const from = this.#spot ?? { x: width / 2, y: height / 2 };
    const within = (value, end) => Math.min(end - 1, Math.max(0, value));
    return { x: within(from.x + dx * step, width), y: within(from.y + dy * step, height) };
  }
}
