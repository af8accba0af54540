// The pages there are: what stands in the navigation, and which file shows which address. To add one, write a file in views/ that exports a
// component named as here, add it to src/assets.rs, its words to words/, and a line below.

/** @typedef {{ [name: string]: (props: any) => unknown }} Module */
/** `id` is the first part of the address and, where there is an icon, a name in `words().navigation`; `rest` says that the address goes on with what is
 * shown (`port/tcp/23`); `under` which entry of the navigation it belongs to; `key` opens it after `g`; `styles` are sheets of its own, in their
 * order; `bySensor` that it can be of one sensor, which then goes along.
 * @typedef {{ id: string, component: string, load: () => Promise<any>, icon?: string, key?: string, rest?: boolean, under?: string, styles?: string[], bySensor?: boolean }} Page */

/** @type {Page[]} */
export const PAGES = [
  { id: "", bySensor: true, component: "Home", load: () => import("./views/home.js"), icon: "home", key: "h" },
  { id: "ports", bySensor: true, styles: ["/views/ports.css"], component: "Ports", load: () => import("./views/ports.js"), icon: "ports", key: "p" },
  { id: "port", styles: ["/views/ports.css"], component: "Port", load: () => import("./views/port.js"), rest: true, under: "ports" },
  { id: "live", bySensor: true, styles: ["/views/live.css"], component: "Live", load: () => import("./views/live.js"), icon: "live", key: "l" },
  { id: "who", bySensor: true, styles: ["/views/things.css"], component: "Who", load: () => import("./views/who.js"), icon: "who", key: "w" },
  { id: "list", styles: ["/views/things.css"], component: "List", load: () => import("./views/ranking.js"), under: "who" },
  { id: "item", styles: ["/views/things.css"], component: "Item", load: () => import("./views/item.js"), under: "who" },
  { id: "sessions", styles: ["/views/things.css", "/views/sessions.css"], component: "SessionsPage", load: () => import("./views/sessions.js"), icon: "sessions", key: "e" },
  { id: "session", styles: ["/views/things.css", "/views/sessions.css"], component: "SessionView", load: () => import("./views/session.js"), rest: true, under: "sessions" },
  { id: "signs", component: "SignsPage", load: () => import("./views/signs.js"), icon: "signs", key: "s" },
  { id: "sign", styles: ["/views/things.css", "/views/sign.css"], component: "SignView", load: () => import("./views/sign.js"), rest: true, under: "signs" },
  { id: "search", styles: ["/views/things.css"], component: "Search", load: () => import("./views/search.js"), icon: "search", key: "/" },
  { id: "bench", styles: ["/views/things.css"], component: "BenchPage", load: () => import("./views/bench.js"), under: "sessions" },
  { id: "sensors", styles: ["/views/things.css", "/views/settings.css"], component: "Sensors", load: () => import("./views/sensors.js"), under: "settings" },
  { id: "sensor", styles: ["/views/things.css", "/views/settings.css"], component: "SensorView", load: () => import("./views/sensor.js"), under: "settings" },
  { id: "settings", styles: ["/views/things.css", "/views/settings.css"], component: "Settings", load: () => import("./views/settings.js"), icon: "settings", key: "t" },
];

/** The page of an address; nothing where there is none. @param {string[]} path */
export const pageOf = ([id = "", ...rest]) => PAGES.find((page) => page.id === id && (page.rest === true) === rest.length > 0);
