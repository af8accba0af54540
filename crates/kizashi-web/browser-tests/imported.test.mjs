// Every page over real logs of other people's honeypots, in both languages, both themes and three widths: nothing fails, nothing is wider than the window,
// no script of a visitor runs, and the browser complains of nothing. The logs are no part of the sources: where they are not at hand this is skipped, and said so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, WIDE, go, isFixture, launch, open, picture, watch } from "./browser.mjs";
import { found, startImported } from "./imported.mjs";
import { pagesShown } from "./snapshots.mjs";

const MIDDLE = { width: 900, height: 1000 };
/** Beside the demo there is no need to look again. */
const why = found.length === 0 ? "there are no logs in ../shared/data" : isFixture ? false : "another dashboard was named";
if (why !== false) console.log(`the pages over imported logs are not looked at: ${why}`);

/** @type {import("./browser.mjs").Dashboard} */
let dashboard;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  if (why !== false) return;
  dashboard = await startImported();
  browser = await launch();
});
after(async () => {
  if (why !== false) return;
  await browser?.close();
  dashboard?.stop();
});

/** Pages beside those of pages.js: single things of every kind that a log has. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
async function things(page) {
  const first = (/** @type {string} */ kind) => page.evaluate(async (asked) => (await (await fetch(`/api/v1/top?kind=${asked}&limit=1`)).json()).rows[0]?.key, kind);
  /** @type {string[]} */
  const addresses = ["who?tab=with", "who?tab=tried", "who?tab=did", "who?tab=left", "ports?view=charts", "search?q=root", "list?kind=pairs"];
  for (const [kind, plural] of /** @type {const} */ ([["user", "users"], ["password", "passwords"], ["pair", "pairs"], ["source", "sources"], ["command", "commands"], ["payload", "payloads"], ["country", "countries"]])) {
    const key = await first(plural);
    if (key !== undefined) addresses.push(`item?key=${encodeURIComponent(`${kind}:${key}`)}`);
  }
  return addresses;
}

for (const [size, viewport] of /** @type {const} */ ([["wide", WIDE], ["middle", MIDDLE], ["phone", PHONE]])) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    for (const locale of ["en-GB", "ja-JP"]) {
      const name = `${size}-${colorScheme}-${locale.slice(0, 2)}`;
      test(`every page stands over real logs: ${name}`, { skip: why }, async () => {
        const watched = await watch(browser, new URL(dashboard.url).origin, { viewport, colorScheme, locale });
        const { page } = watched;
        try {
          await open(watched, dashboard.url);
          const port = await page.evaluate(async () => (await (await fetch("/api/v1/top?kind=ports&limit=1")).json()).rows[0]?.key);
          const pages = (await pagesShown(page)).map(([, address]) => address.replace("tcp/5900", port));
          // Single things are many: twice is enough for them.
          const single = (colorScheme === "light") === (locale === "en-GB") && size !== "middle" ? await things(page) : [];
          for (const address of [...pages, ...single]) {
            await go(page, address);
            await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
            assert.deepEqual(await page.locator(".note.failure").allTextContents(), [], `${address} could be read`);
            const { wide, seen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, seen: innerWidth }));
            assert.ok(wide <= seen, `${address} is ${wide} pixels wide in a window of ${seen}`);
            if (colorScheme === "light" && size !== "middle") await picture(page, `imported-${name}-${address.replaceAll(/[^a-z]+/g, "-").slice(0, 40)}`);
          }
          assert.deepEqual(watched.complaints, []);
        } finally {
          await watched.close();
        }
      });
    }
  }
}

test("the logs are there: their logins, commands and sensors are on the page", { skip: why }, async () => {
  const watched = await watch(browser, new URL(dashboard.url).origin, {});
  try {
    await open(watched, dashboard.url);
    const { page } = watched;
    await go(page, "who?tab=tried");
    await page.locator(".cloud a", { hasText: /^root$/ }).first().waitFor();
    assert.match((await page.locator(".known").textContent()) ?? "", /[1-9]\d* of 60/, "pairs of Mirai's list were tried");
    await go(page, "sensors");
    assert.ok((await page.locator(".sensor").count()) >= 2, "several programs' logs are several sensors");
    assert.deepEqual(watched.complaints, []);
  } finally {
    await watched.close();
  }
});
