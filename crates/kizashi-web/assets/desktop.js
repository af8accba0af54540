// Notifications of the desktop, by the browser: one a sign when it is raised, as long as a page of this dashboard is open somewhere. Off until
// somebody switches it on here; kept in this browser. What an attacker chose stands in it escaped, as everywhere.
import { signal } from "./vendor/signals.js";
import { words } from "./language.js";
import { safe } from "./parts.js";
import { now, signHearers } from "./state.js";
import { plain } from "./format.js";
import { isSilence, isWhole, title } from "./views/signs.js";

/** @typedef {"on" | "off" | "denied" | "absent"} Desktop */

const KEPT = "kizashi-desktop";
/** A sign that was raised longer ago is no news: the page was away, or a past is being played. */
const NEWS = 30 * 60_000;
/** Characters of a text in it. */
const LONGEST = 160;

function kept() {
  try {
    return localStorage.getItem(KEPT) === "on";
  } catch {
    return false;
  }
}

/** Browsers have it on pages of this machine or over TLS alone. */
const isThere = () => "Notification" in window && isSecureContext;

/** @returns {Desktop} */
function present() {
  if (!isThere()) return "absent";
  if (Notification.permission === "denied") return "denied";
  return kept() && Notification.permission === "granted" ? "on" : "off";
}

/** @type {import("./vendor/signals.js").Signal<Desktop>} */
export const desktop = signal(present());

/** Switches it; asks the browser where it must be asked. @param {boolean} on */
export async function switchDesktop(on) {
  if (on && isThere() && Notification.permission === "default") await Notification.requestPermission();
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // It holds for this visit, then.
  }
  const is = present();
  desktop.value = is === "on" && !on ? "off" : is;
}

/** @param {string} text */
const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

/** @param {import("./api.js").Sign} sign */
function tell(sign) {
  const age = now().getTime() - Date.parse(sign.detected);
  if (desktop.value !== "on" || !(age < NEWS)) return;
  const said = words().desktop;
  const about = isWhole(sign) || isSilence(sign) ? "" : said.times(plain(sign.ratio));
  const body = [isWhole(sign) ? "" : safe(sign.key), about].filter((part) => part !== "").join(" · ");
  try {
    // The same sign in two windows is one notification.
    const shown = new Notification(short(said.title(title(sign))), { body: short(body), tag: `kizashi-${sign.id}`, icon: "/icon.svg" });
    shown.addEventListener("click", () => {
      window.focus();
      location.hash = `#/sign/${encodeURIComponent(sign.id)}`;
      shown.close();
    });
  } catch {
    // Some phones have the name and not the thing.
    desktop.value = "absent";
  }
}

signHearers.add(tell);
