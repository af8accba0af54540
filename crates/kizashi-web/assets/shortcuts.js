// Single keys that do something: those of the frame, and those that the present view adds. None acts while somebody types or holds a modifier, and all
// can be turned off (WCAG 2.2, 2.1.4), for whoever speaks to his computer would press them by accident.
import { signal } from "./vendor/signals.js";
import { useEffect } from "./vendor/preact-hooks.js";

/** @typedef {{ keys: string, told: () => string, act: () => void }} Shortcut `keys`: one, or two after each other: `g p` */

const KEPT = "kizashi-keys";
/** The time for the second of two keys. */
const PATIENCE = 1_500;

function kept() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

/** Whether keys do something. */
export const enabled = signal(kept());
/** All that there are now. @type {import("./vendor/signals.js").Signal<Shortcut[]>} */
export const shortcuts = signal([]);

/** @param {boolean} on */
export function enable(on) {
  enabled.value = on;
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // It is chosen for this visit, then.
  }
}

/** Shortcuts that exist as long as a component stands. @param {Shortcut[]} some the same ones each time */
export function useShortcuts(some) {
  useEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...some];
    return () => {
      shortcuts.value = shortcuts.peek().filter((each) => !some.includes(each));
    };
  }, []);
}

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));

/** Listens to the keyboard; once. */
export function listenToKeys() {
  let first = "";
  let until = 0;
  addEventListener("keydown", (event) => {
    if (!enabled.value || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const keys = first !== "" && performance.now() < until ? `${first} ${event.key}` : event.key;
    first = "";
    const found = shortcuts.value.find((each) => each.keys === keys);
    if (found) {
      event.preventDefault();
      found.act();
    } else if (shortcuts.value.some((each) => each.keys.startsWith(`${event.key} `))) {
      first = event.key;
      until = performance.now() + PATIENCE;
    }
  });
}
