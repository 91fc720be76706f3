// The layers' opacity, and the slider between the plain photo and its layers.

import { byId } from "./dom.js";

/** Let the layers begin at the slider, or show them all over. */
export function compare(on) {
  byId("split").hidden = !on;
  byId("picture").classList.toggle("comparing", on);
  byId("compare").setAttribute("aria-pressed", String(on));
  if (on) byId("split").focus();
}

export function offerSliders() {
  const style = byId("picture").style;
  for (const [name, slider] of [["--split", byId("split")], ["--opacity", byId("opacity")]]) {
    const apply = () => style.setProperty(name, slider.value);
    slider.addEventListener("input", apply);
    apply();
  }
}
