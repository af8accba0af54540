// Light or dark: as the system has it, or as the reader chose here. The colours themselves are in style.css.
import { signal } from "./vendor/signals.js";

/** @typedef {"system" | "light" | "dark"} Theme */

const KEPT = "kizashi-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {Theme} */
function kept() {
  try {
    const name = localStorage.getItem(KEPT);
    return name === "light" || name === "dark" ? name : "system";
  } catch {
    return "system";
  }
}

/** What the reader chose. @type {import("./vendor/signals.js").Signal<Theme>} */
export const theme = signal(kept());
/** Grows when colours change, for what is drawn on a canvas. */
export const colours = signal(0);

function show() {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  colours.value = colours.peek() + 1;
}

/** @param {Theme} name */
export function paint(name) {
  theme.value = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // It is chosen for this visit, then.
  }
  show();
}

/** Whether it is dark now. */
export const isDark = () => theme.value === "dark" || (theme.value === "system" && dark.matches);

/** A colour of style.css as a canvas takes it. @param {string} name a custom property */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

dark.addEventListener("change", () => {
  colours.value = colours.peek() + 1;
});
show();
