// What the pages looked like when somebody last looked at them, in two forms that stay true on another machine. An outline: what a screen reader is told,
// numbers left out. And a small picture, compared by the colour and the liveliness of coarse fields: another machine's fonts move letters, not
// fields; a lost panel, a wrong theme or a broken column does. KIZASHI_BLESS=1 takes the present ones: look at them before.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("snapshots/", import.meta.url));
mkdirSync(folder, { recursive: true });
const blesses = process.env.KIZASHI_BLESS === "1";

/** Fields across and down. */
const FIELDS = [16, 12];
/** How far a field's colour and its liveliness may be off, of 255, and how many of a hundred fields may be further off. */
const FAR = [26, 26, 26, 12];
const SOME = 8;
/** Pages of which outlines and pictures are kept. */
const KEPT = new Set(["home", "ports", "port", "live", "signs"]);

/** Whether this machine can draw Japanese at all: without a font every letter is an empty box, and no picture is as it was. */
const drawsJapanese = (() => {
  try {
    return execFileSync("fc-list", [":lang=ja", "file"], { encoding: "utf8" }).trim() !== "";
  } catch {
    return false;
  }
})();
if (!drawsJapanese) console.log("there is no Japanese font here: pictures of Japanese pages are not compared");

/** Whether a page is compared. @param {string} name */
export const isKept = (name) => KEPT.has(name || "home");

/** Every page there is, those about something with an example. @param {import("playwright-core").Page} page @returns {Promise<[string, string][]>} */
export async function pagesShown(page) {
  const { PAGES } = await import("../assets/pages.js");
  const sign = await page.evaluate(async () => (await (await fetch("/api/v1/signs?limit=1")).json()).signs[0]?.id);
  const session = await page.evaluate(async () => (await (await fetch("/api/v1/sessions?limit=1")).json()).sessions[0]?.session);
  /** @type {Record<string, string | undefined>} */
  const examples = { port: "tcp/5900", sign, session };
  return PAGES.filter((each) => !each.rest || examples[each.id]).map(({ id, rest }) => [id, rest ? `${id}/${examples[id]}` : id]);
}

/** @param {import("playwright-core").Page} page @param {string} name @returns {Promise<string[]>} */
export async function compareOutline(page, name) {
  if (!KEPT.has(name)) return [];
  // What the feed holds is what came just now.
  await page.evaluate(() => document.querySelectorAll(".feed ol, .feed .note, .countries tbody, .pace").forEach((each) => each.setAttribute("aria-hidden", "true")));
  const outline = `${(await page.locator("body").ariaSnapshot()).replaceAll(/\d[\d,.]*/g, "#")}\n`;
  const path = `${folder}${name}.yaml`;
  if (blesses || !existsSync(path)) {
    writeFileSync(path, outline);
    return blesses ? [] : [`${name}: there was no outline of it; look at ${path} and keep it`];
  }
  const [was, is] = [readFileSync(path, "utf8").split("\n"), outline.split("\n")];
  const at = is.findIndex((line, place) => line !== was[place]);
  return outline === was.join("\n") ? [] : [`${name}: the outline has changed at line ${at + 1}: ${was[at]} is now ${is[at]}`];
}

/** @param {import("playwright-core").Page} page @param {import("playwright-core").Browser} browser @param {string} name @returns {Promise<string[]>} */
export async function comparePicture(page, browser, name) {
  if (!KEPT.has(name.split("-")[0] ?? "") || (name.endsWith("-ja") && !drawsJapanese)) return [];
  // What comes at this moment is left out: another one comes each time.
  await page.evaluate(() => {
    scrollTo(0, 0);
    for (const each of document.querySelectorAll(".feed ol, .countries tbody, .pace, .map canvas")) /** @type {HTMLElement} */ (each).style.visibility = "hidden";
  });
  const shot = await page.screenshot();
  await page.evaluate(() => {
    for (const each of document.querySelectorAll(".feed ol, .countries tbody, .pace, .map canvas")) /** @type {HTMLElement} */ (each).style.visibility = "";
  });
  const desk = await browser.newPage();
  try {
    const small = Buffer.from(await desk.evaluate(shrink, shot.toString("base64")), "base64");
    const path = `${folder}${name}.webp`;
    if (blesses || !existsSync(path)) {
      writeFileSync(path, small);
      return blesses ? [] : [`${name}: there was no picture of it; look at ${path} and keep it`];
    }
    const [was, is] = await Promise.all([readFileSync(path), small].map((each) => desk.evaluate(fields, { image: each.toString("base64"), across: FIELDS[0] ?? 1, down: FIELDS[1] ?? 1 })));
    const off = (was ?? []).filter((colour, at) => colour.some((part, place) => Math.abs(part - (is?.[at]?.[place] ?? 0)) > (FAR[place] ?? 0))).length;
    const share = (off * 100) / Math.max(1, was?.length ?? 0);
    if (process.env.KIZASHI_TELL) console.log(`${name}: ${share.toFixed(1)} of a hundred`);
    return share > SOME ? [`${name}: ${share.toFixed(0)} of a hundred fields of the picture have changed`] : [];
  } finally {
    await desk.close();
  }
}

/** Smaller (in the browser). @param {string} image */
async function shrink(image) {
  const whole = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
  const scale = 400 / Math.max(whole.width, whole.height);
  const canvas = new OffscreenCanvas(Math.round(whole.width * scale), Math.round(whole.height * scale));
  const to = canvas.getContext("2d");
  if (to) to.imageSmoothingQuality = "high";
  to?.drawImage(whole, 0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality: 0.6 })).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Of each field the mean colour and how lively it is: the standard deviation of its brightness (in the browser).
 * @param {{ image: string, across: number, down: number }} wish */
async function fields({ image, across, down }) {
  const whole = await createImageBitmap(await (await fetch(`data:image/webp;base64,${image}`)).blob());
  const to = new OffscreenCanvas(whole.width, whole.height).getContext("2d");
  if (!to) return [];
  to.drawImage(whole, 0, 0);
  const { data } = to.getImageData(0, 0, whole.width, whole.height);
  const sums = Array.from({ length: across * down }, () => [0, 0, 0, 0, 0, 0]);
  for (let at = 0; at < data.length; at += 4) {
    const [x, y] = [(at / 4) % whole.width, Math.floor(at / 4 / whole.width)];
    const sum = sums[Math.floor((y / whole.height) * down) * across + Math.floor((x / whole.width) * across)];
    const [r = 0, g = 0, b = 0] = [data[at], data[at + 1], data[at + 2]];
    const bright = (r + g + b) / 3;
    [r, g, b, bright, bright * bright, 1].forEach((part, place) => {
      if (sum) sum[place] = (sum[place] ?? 0) + part;
    });
  }
  return sums.map(([r = 0, g = 0, b = 0, bright = 0, squares = 0, n = 1]) => [r / n, g / n, b / n, Math.sqrt(Math.max(0, squares / n - (bright / n) ** 2))]);
}
