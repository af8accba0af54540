// How the page looks and weighs: every page without a fault that axe finds (WCAG 2.2 AA) in both themes, in three widths and both languages as it was when
// somebody last looked at it, light enough and quick enough for a phone, and steady under a flood.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { after, before, test } from "node:test";
import { PHONE, WIDE, dashboard, go, isFixture, launch, open, settled, startFixture, watch } from "./browser.mjs";
import { compareOutline, comparePicture, isKept, pagesShown } from "./snapshots.mjs";

/** @typedef {import("playwright-core").Page} Page */

const { url, stop } = await dashboard();
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
  stop();
});

const known = { skip: isFixture ? /** @type {false} */ (false) : "the figures of this dashboard are not known" };
const MIDDLE = { width: 900, height: 1000 };
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What axe finds. @param {Page} page @returns {Promise<string[]>} */
async function faults(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations, passes } = await /** @type {any} */ (window).axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    if (passes.length < 15) return [`axe looked at ${passes.length} rules only`];
    return violations.flatMap((/** @type {any} */ rule) => rule.nodes.map((/** @type {any} */ node) => `${rule.id}: ${node.html.slice(0, 160)} (${node.failureSummary.split("\n")[1]?.trim()})`));
  });
}

/** Three widths, both themes, both languages; axe looks once in each theme, for it takes its time. @type {[string, { width: number, height: number }, "light" | "dark", string, boolean][]} */
const LOOKS = [["wide", WIDE, "light", "en-GB", true], ["phone", PHONE, "dark", "ja-JP", true], ["middle", MIDDLE, "dark", "en-GB", false], ["middle", MIDDLE, "light", "ja-JP", false]];

for (const [size, viewport, colorScheme, locale, isAxeAsked] of LOOKS) {
  test(`every page is open to everybody, and looks as it did: ${size}, ${colorScheme}, ${locale.slice(0, 2)}`, known, async () => {
    const watched = await watch(browser, new URL(url).origin, { viewport, colorScheme, locale });
    const { page } = watched;
    await open(watched, url);
    // Once more, for the typeface is used where it is here already, and names of ports in Japanese come after the page.
    await page.reload();
    await settled(page);
    if (locale === "ja-JP") await page.waitForFunction(() => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/words/ports.ja.js")));
    const name = `${size}-${colorScheme}-${locale.slice(0, 2)}`;
    /** @type {string[]} */
    const wrong = [];
    for (const [title, address] of await pagesShown(page)) {
      if (!isAxeAsked && !isKept(title)) continue;
      await go(page, address);
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
      const label = title || "home";
      if (isAxeAsked) wrong.push(...(await faults(page)).map((fault) => `${label}: ${fault}`));
      wrong.push(...(await comparePicture(page, browser, `${label}-${name}`)));
      if (size === "wide") wrong.push(...(await compareOutline(page, label)));
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(watched.complaints, []);
    await watched.close();
  });
}

test("what is compared would notice a lost part, another theme and a lost word", known, async () => {
  const watched = await watch(browser, new URL(url).origin, { viewport: WIDE, colorScheme: "light" });
  const { page } = watched;
  await open(watched, url);
  await page.reload();
  await page.waitForSelector(".strip li");
  const lost = async (/** @type {string} */ rule) => {
    const added = await page.evaluateHandle((text) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      document.adoptedStyleSheets = [sheet];
    }, rule);
    const found = await comparePicture(page, browser, "home-wide-light-en");
    await added.dispose();
    return found.length > 0;
  };
  if (process.env.KIZASHI_BLESS !== "1") {
    assert.ok(!(await lost("nothing {}")), "it is as it was");
    assert.ok(await lost(".cards { visibility: hidden }"), "the open signs");
    assert.ok(await lost(".rail { display: none }"), "the rail");
    assert.ok(await lost(":root { color-scheme: dark !important }"), "the theme");
    await page.evaluate(() => document.adoptedStyleSheets = []);
    await page.evaluate(() => document.querySelector(".question")?.remove());
    assert.equal((await compareOutline(page, "home")).length, 1, "a word");
  }
  await watched.close();
});

/** A phone on a slow network, as Lighthouse has it: 150 ms away, 1.6 Mbit/s, a processor a quarter as fast. What slows this machine already counts towards
 * that. @param {Page} page */
async function throttle(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 });
  await session.send("Emulation.setCPUThrottlingRate", { rate: Math.max(1, (4 * cpus().length) / Math.max(loadavg()[0] ?? 0, cpus().length)) });
  let bytes = 0;
  session.on("Network.loadingFinished", (loaded) => {
    bytes += loaded.encodedDataLength;
  });
  return () => bytes;
}

test("on a slow phone the first view comes within a second, whole pages weigh under 300 KB, and nothing jumps", known, async () => {
  const watched = await watch(browser, new URL(url).origin, { viewport: PHONE });
  // Signed in already: the address with the token leads to the page by a detour.
  await watched.page.goto(url);
  await watched.page.waitForSelector(".verdict:not(.looking)");
  const cookies = await watched.page.context().cookies();
  await watched.close();
  /** @type {{ first: number, answer: number, kilobytes: number, shift: number, moved: string[] }[]} */
  const visits = [];
  for (let at = 0; at < 3; at += 1) {
    const { page, close } = await watch(browser, new URL(url).origin, { viewport: PHONE });
    await page.context().addCookies(cookies);
    const weight = await throttle(page);
    await page.addInitScript(() => {
      const seen = /** @type {any} */ (window);
      seen.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { hadRecentInput, value, sources } = /** @type {any} */ (entry);
          if (hadRecentInput) continue;
          seen.shift += value;
          seen.moved = (seen.moved ?? []).concat(sources.map((/** @type {any} */ source) => `${source.node?.className || source.node?.nodeName} ${source.previousRect.top} to ${source.currentRect.top}`));
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(new URL(url).origin);
    await page.waitForSelector(".verdict:not(.looking)");
    const answer = await page.evaluate(() => performance.now());
    await page.waitForSelector(".strip li");
    const { first, shift, moved } = await page.evaluate(() => ({
      moved: /** @type {string[]} */ (/** @type {any} */ (window).moved ?? []),
      first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity, shift: /** @type {number} */ (/** @type {any} */ (window).shift),
    }));
    visits.push({ first, answer, kilobytes: weight() / 1000, shift, moved });
    await close();
  }
  const best = (/** @type {"first" | "answer"} */ of) => Math.min(...visits.map((visit) => visit[of]));
  const { kilobytes, shift } = visits.reduce((a, b) => ({ ...a, kilobytes: Math.max(a.kilobytes, b.kilobytes), shift: Math.max(a.shift, b.shift) }));
  console.log(`slow phone: first view ${best("first").toFixed(0)} ms, the answer ${best("answer").toFixed(0)} ms, ${kilobytes.toFixed(0)} KB, layout shift ${shift.toFixed(4)}`);
  // Of three, for whatever else the machine does at the moment slows one or two.
  assert.ok(best("first") < 1_000, `first view after ${best("first").toFixed(0)} ms`);
  assert.ok(best("answer") < 3_000, `the answer after ${best("answer").toFixed(0)} ms`);
  assert.ok(kilobytes < 300, `${kilobytes.toFixed(0)} KB`);
  assert.ok(shift < 0.02, `layout shift ${shift.toFixed(4)}: ${visits.flatMap((visit) => visit.moved).join("; ")}`);
});

test("no page weighs more than 300 KB with all that it fetches", known, async () => {
  const watched = await watch(browser, new URL(url).origin);
  const { page } = watched;
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  await open(watched, url);
  for (const [, address] of await pagesShown(page)) {
    let bytes = 0;
    const count = (/** @type {{ encodedDataLength: number }} */ loaded) => {
      bytes += loaded.encodedDataLength;
    };
    session.on("Network.loadingFinished", count);
    await page.goto(`${new URL(url).origin}/?${address}#/${address}`);
    await settled(page);
    session.off("Network.loadingFinished", count);
    assert.ok(bytes > 20_000 && bytes < 300_000, `${address}: ${bytes} bytes`);
  }
  await watched.close();
});

test("five hundred events a second come without a stutter, in a bounded number of lines", known, async () => {
  const served = await startFixture("busy");
  const watched = await watch(browser, new URL(served.url).origin, { reducedMotion: "no-preference" });
  const { page } = watched;
  try {
    await open(watched, served.url);
    await go(page, "live");
    await page.waitForSelector(".feed li");
    await page.click('.map .choice button:last-child');
    await page.waitForTimeout(1_500);
    const seen = await page.evaluate(
      () =>
        new Promise((/** @type {(seen: { frames: number[], lines: number, nodes: number }) => void} */ done) => {
          /** @type {number[]} */
          const frames = [];
          let last = performance.now();
          const end = last + 4_000;
          requestAnimationFrame(function step(time) {
            frames.push(time - last);
            last = time;
            if (time < end) requestAnimationFrame(step);
            else done({ frames: frames.slice(1).sort((a, b) => a - b), lines: document.querySelectorAll(".feed li").length, nodes: document.querySelectorAll("*").length });
          });
        }),
    );
    const pace = Number((await page.textContent(".pace b"))?.replaceAll(",", ""));
    const [middle, slow] = [seen.frames[Math.floor(seen.frames.length / 2)] ?? Infinity, seen.frames[Math.floor(seen.frames.length * 0.95)] ?? Infinity];
    console.log(`${pace} events a second: ${seen.frames.length} frames in 4 s, median ${middle.toFixed(1)} ms, 95th of a hundred ${slow.toFixed(1)} ms`);
    assert.ok(pace > 350, `${pace} events a second came`);
    assert.ok(seen.lines <= 40 && seen.nodes < 1_500, `${seen.lines} lines, ${seen.nodes} elements`);
    // At rest a frame is 17 ms; a machine that compiles beside this has slow ones of its own.
    assert.ok(middle < 40 && slow < 150, `median ${middle.toFixed(1)} ms, 95th of a hundred ${slow.toFixed(1)} ms`);
    await page.keyboard.press("p");
    const still = await page.locator(".feed li").first().textContent();
    await page.fill(".feed .search", "telnet");
    await page.waitForFunction(() => [...document.querySelectorAll(".feed li a")].every((link) => link.textContent === "telnet"));
    await page.fill(".feed .search", "");
    assert.equal(await page.locator(".feed li").first().textContent(), still, "it stands still while it is read");
    assert.deepEqual(watched.complaints, []);
  } finally {
    await watched.close();
    served.stop();
  }
});

test("whoever wishes less motion gets none, and the table tells what the map shows", known, async () => {
  const watched = await watch(browser, new URL(url).origin, { reducedMotion: "reduce" });
  const { page } = watched;
  await open(watched, url);
  await go(page, "live");
  await page.waitForSelector(".countries tbody tr");
  await page.waitForFunction(() => [...document.querySelectorAll(".countries td:nth-child(2)")].some((cell) => Number(cell.textContent) > 0));
  assert.equal(await page.locator(".map .choice").count(), 0, "there are no arcs to choose");
  // The score's red is on the map once, where the sensor stands: no arc is drawn.
  const red = await page.evaluate(() => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector(".map canvas"));
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }).getContext("2d", { willReadFrequently: true });
    copy?.drawImage(canvas, 0, 0);
    const pixels = copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    let count = 0;
    for (let at = 0; at < pixels.length; at += 4) if ((pixels[at] ?? 0) > (pixels[at + 2] ?? 0) + 90 && (pixels[at + 3] ?? 0) > 200) count += 1;
    return count;
  });
  assert.ok(red > 5 && red < 120, `${red} red pixels`);
  await watched.close();
});
