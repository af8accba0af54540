// The world as the page draws it, made of world-atlas (Natural Earth's public domain borders) by d3-geo once, so that the page needs neither: each country's
// outline in Equal Earth, in whole pixels of a picture 1,000 wide, and a point for each country, the small ones that have no outline included.
import { readFileSync } from "node:fs";
import { geoEqualEarth, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import { presimplify, quantile, simplify } from "topojson-simplify";

/** Of the corners of the outlines those that change the form most are kept. */
const LEFT_OUT = 0.4;
const WIDTH = 1000;
/** Antarctica: nobody comes from there, and it would take a fifth of the picture. */
const NOBODY = "010";
/** What has no code of its own in ISO 3166 but is drawn. @type {Record<string, string>} */
const NAMED = { Kosovo: "XK" };

/** @param {string} path below node_modules */
const json = (path) => JSON.parse(readFileSync(new URL(`node_modules/${path}`, import.meta.url), "utf8"));

/** @returns {string} */
export function world() {
  /** @type {[string, string, string][]} */
  const codes = json("i18n-iso-countries/codes.json");
  const byNumber = new Map(codes.map(([letters, , number]) => [number, letters]));
  const [coarse, fine] = [json("world-atlas/countries-110m.json"), json("world-atlas/countries-50m.json")];
  const weighed = presimplify(coarse);
  const light = /** @type {any} */ (simplify(weighed, quantile(weighed, LEFT_OUT)));
  const shapes = /** @type {any} */ (feature(light, light.objects.countries));
  shapes.features = shapes.features.filter((/** @type {any} */ each) => each.id !== NOBODY);
  const projection = geoEqualEarth().rotate([-11, 0]).fitWidth(WIDTH, shapes);
  const path = geoPath(projection);
  const draw = geoPath(projection).digits(0);
  /** @param {any} country */
  const name = (country) => byNumber.get(country.id) ?? NAMED[country.properties.name] ?? "";
  /** @type {[string, string][]} */
  const outlines = shapes.features.flatMap((/** @type {any} */ each) => (draw(each) ? [[name(each), draw(each)]] : []));
  /** @type {Record<string, [number, number]>} */
  const points = {};
  const all = /** @type {any} */ (feature(fine, fine.objects.countries));
  for (const country of all.features) {
    const [x = 0, y = 0] = path.centroid(mainland(country, path));
    if (name(country) !== "" && Number.isFinite(x)) points[name(country)] = [Math.round(x), Math.round(y)];
  }
  const height = Math.ceil(path.bounds(shapes)[1][1]);
  return `// Made by browser-tests/world.mjs; do not edit.
/** Width and height of the picture. @type {[number, number]} */
export const SIZE = [${WIDTH}, ${height}];
/** Outlines with their countries; no letters where it has none of its own. @type {[string, string][]} */
export const OUTLINES = ${JSON.stringify(outlines).replaceAll("],[", "],\n[")};
/** Where a country's visitors come from on the picture. @type {Record<string, [number, number] | undefined>} */
export const POINTS = ${JSON.stringify(points)};
`;
}

/** The largest part of a country: the middle of all of France would lie in the Atlantic. @param {any} country @param {any} path */
function mainland(country, path) {
  if (country.geometry.type !== "MultiPolygon") return country;
  const parts = country.geometry.coordinates.map((/** @type {any} */ coordinates) => ({ type: "Polygon", coordinates }));
  return parts.reduce((/** @type {any} */ most, /** @type {any} */ each) => (path.area(each) > path.area(most) ? each : most));
}
