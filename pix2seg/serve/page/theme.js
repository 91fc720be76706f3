// Light or dark: as the system has it, until the button says otherwise.

import { byId } from "./dom.js";
import { lasting } from "./store.js";

const system = matchMedia("(prefers-color-scheme: dark)");

export function offerThemes() {
  const button = byId("theme");
  const apply = () => {
    const chosen = lasting.get("theme");
    const dark = chosen ? chosen === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
  };
  button.addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme === "dark";
    lasting.set("theme", dark ? "light" : "dark");
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}
