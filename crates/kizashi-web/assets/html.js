// Templates without a build step: `html` makes Preact nodes. Every value set in a template becomes a text node or a property,
// never markup, which is the first half of showing attackers' text harmless (escape.js is the other).
import { h } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
