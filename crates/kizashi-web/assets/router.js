// Where the reader is: an address after `#` such as `#/ports?bin=1h&compare=tcp/23,tcp/2323`. What a view is showing is part of its address, so
// that a link shows another person the same; the server never sees it. Each view is a file of its own, fetched when it is first opened.
import { signal } from "./vendor/signals.js";

/** @typedef {{ path: string[], query: URLSearchParams }} Place */

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} hash @returns {Place} */
export function parse(hash) {
  const text = hash.replace(/^#\/?/, "");
  const cut = text.indexOf("?");
  const path = (cut < 0 ? text : text.slice(0, cut)).split("/").filter((part) => part !== "").map(decoded);
  return { path, query: new URLSearchParams(cut < 0 ? "" : text.slice(cut + 1)) };
}

/** The address of a place. Parts of the path are encoded but for slashes, which ports have in them.
 * @param {string} path @param {Record<string, string | number | null | undefined>} [query] */
export function address(path, query = {}) {
  const some = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const told = some.map(([name, value]) => `${name}=${encodeURIComponent(String(value)).replaceAll("%2F", "/").replaceAll("%2C", ",")}`);
  return `#/${path.split("/").map(encodeURIComponent).join("/")}${told.length > 0 ? `?${told.join("&")}` : ""}`;
}

/** @type {import("./vendor/signals.js").Signal<Place>} */
export const place = signal(parse(location.hash));

/** Follows the address bar; once. */
export function follow() {
  addEventListener("hashchange", () => {
    place.value = parse(location.hash);
  });
}

/** Changes what the present view shows: replaces the address, so that going back leaves the view and not each choice in it.
 * @param {Record<string, string | number | null | undefined>} changes null takes a name away */
export function choose(changes) {
  const { path, query } = place.peek();
  const all = { ...Object.fromEntries(query), ...changes };
  history.replaceState(null, "", address(path.join("/"), all));
  place.value = parse(location.hash);
}

/** What the address says of `name`; one of `allowed`, or else the first of them.
 * @template {string} T @param {string} name @param {readonly [T, ...T[]]} allowed @returns {T} */
export function chosen(name, allowed) {
  const said = place.value.query.get(name);
  return allowed.find((each) => each === said) ?? allowed[0];
}
