// A real browser (Debian's Chromium, driven by playwright-core) and a dashboard to look at: the one that KIZASHI_URL names,
// with its token, or else the fixture, which is built and started here. Each page is watched: anything that the browser
// complains of, and any request to another origin, is kept for the test to refuse.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
export const target = process.env.CARGO_TARGET_DIR ?? `${root}target`;

/** Where screenshots are kept. */
export const pictures = process.env.KIZASHI_SCREENSHOTS ?? `${target}/dashboard-screenshots`;
mkdirSync(pictures, { recursive: true });

/** Whether the dashboard is the fixture, whose texts we know. */
export const isFixture = !process.env.KIZASHI_URL;

/** @typedef {{ url: string, stop: () => void }} Dashboard */

/** @param {"full" | "calm" | "empty" | "silent" | "busy"} mood @param {number} [port] @returns {Promise<Dashboard>} */
export async function startFixture(mood, port = 0) {
  const build = spawn("cargo", ["build", "--quiet", "--workspace", "--example", "fixture"], { cwd: root, stdio: "inherit" });
  const [code] = await once(build, "exit");
  if (code !== 0) throw new Error("the fixture does not build");
  const server = spawn(`${target}/debug/examples/fixture`, [mood, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: server.stdout })) {
    const url = line.match(/^dashboard (\S+)$/)?.[1];
    if (url) return { url, stop: () => void server.kill() };
  }
  throw new Error("the fixture ended without an address");
}

/** @returns {Promise<Dashboard>} */
export async function dashboard() {
  const url = process.env.KIZASHI_URL;
  if (!url) return startFixture("full");
  await wholeMonth(url);
  return { url, stop: () => {} };
}

/** The demo lives through a month before it comes to today: the tests look at a page with everything on it. @param {string} url */
async function wholeMonth(url) {
  const { origin } = new URL(url);
  const signedIn = await fetch(url, { redirect: "manual" });
  const headers = { cookie: signedIn.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ") };
  for (const end = Date.now() + 300_000; Date.now() < end; ) {
    const answer = await fetch(`${origin}/api/v1/status`, { headers });
    const { store } = /** @type {{ store: { last: string | null } }} */ (await answer.json());
    if (Date.parse(store.last ?? "") > Date.now() - 3_600_000) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error("the demo did not come to today within five minutes");
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });

export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** @typedef {{ page: import("playwright-core").Page, complaints: string[], close: () => Promise<void> }} Watched */

/**
 * A page in a context of its own (no cookies), with everything that goes wrong kept in `complaints`.
 * @param {import("playwright-core").Browser} browser
 * @param {string} origin the only origin that may be spoken to
 * @param {{ viewport?: { width: number, height: number }, colorScheme?: "light" | "dark", reducedMotion?: "reduce" | "no-preference", locale?: string }} [wish]
 * @returns {Promise<Watched>}
 */
export async function watch(browser, origin, wish = {}) {
  const { viewport = WIDE, colorScheme = "light", reducedMotion = "reduce", locale = "en-GB" } = wish;
  const context = await browser.newContext({
    viewport, colorScheme, reducedMotion, timezoneId: "Asia/Tokyo", locale,
    deviceScaleFactor: viewport.width < 600 ? 2 : 1, hasTouch: viewport.width < 600,
  });
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`page error: ${error.stack ?? error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) complaints.push(`request to ${url.href}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (violation) => {
      console.error(`policy violation: ${violation.violatedDirective} ${violation.blockedURI}`);
    });
  });
  return { page, complaints, close: () => context.close() };
}

/** Opens the dashboard with its token and waits until it shows data. @param {Watched} watched @param {string} url */
export async function open({ page }, url) {
  await page.goto(url);
  await page.waitForSelector(".connection.live");
  await page.waitForSelector(".verdict:not(.looking)");
  await settled(page);
}

/** Waits until nothing is being read any more. @param {import("playwright-core").Page} page */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("main h1") !== null && document.querySelectorAll(".loading").length === 0);
}

/** Goes to a page by its address. @param {import("playwright-core").Page} page @param {string} address after `#/` */
export async function go(page, address) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${address}`);
  await page.waitForFunction((hash) => location.hash === hash, `#/${address}`);
  await settled(page);
}

/** @param {import("playwright-core").Page} page @param {string} name @param {boolean} [whole] */
export async function picture(page, name, whole = true) {
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: whole });
}
