// The pages about single things in a real browser: every page in both languages and themes, hostile text inert, the search, the bench, a sign's desk.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { PHONE, WIDE, dashboard, go, isFixture, launch, open, picture, settled, startFixture, watch } from "./browser.mjs";
import { more as en } from "../assets/words/more.en.js";
import { more as ja } from "../assets/words/more.ja.js";

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

/** @type {{ skip: string | false }} */
const known = { skip: isFixture ? false : "the texts of this dashboard are not known" };

/** @param {Parameters<typeof watch>[2]} wish @param {(page: Page) => Promise<void>} act @param {string} [address] */
async function visit(wish, act, address = url) {
  const watched = await watch(browser, new URL(address).origin, wish);
  try {
    await open(watched, address);
    await act(watched.page);
    assert.equal(await watched.page.evaluate(() => /** @type {any} */ (window).broken), undefined, "no script of a visitor ran");
    assert.deepEqual(watched.complaints, []);
  } finally {
    await watched.close();
  }
}

/** @param {Page} page */
async function assertFits(page) {
  const { wide, seen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, seen: innerWidth }));
  assert.ok(wide <= seen, `${page.url()} is ${wide} pixels wide in a window of ${seen}`);
}

/** @param {string} key */
const item = (key) => `item?key=${encodeURIComponent(key)}`;

/** Every page of these, by a name for its picture. @type {[string, string][]} */
const PAGES = [
  ["who-from", "who"], ["who-with", "who?tab=with"], ["who-tried", "who?tab=tried"], ["who-did", "who?tab=did"], ["who-left", "who?tab=left"],
  ["list", "list?kind=passwords"], ["item-visitor", item("source:203.0.113.7")], ["item-content", item(`payload:${"0".repeat(64)}`)],
  ["item-hostile", item("command:<script>window.broken = true</script>\u202e\u001b[2J")], ["item-never", item("user:never")],
  ["search", "search"], ["search-found", "search?q=root"], ["search-nothing", "search?q=never"], ["bench", "bench?text=6563686f&steps=hex"], ["settings", "settings"],
  ["sensors", "sensors"], ["sensor-silent", "sensor?name=osaka"], ["sensor-well", "sensor?name=tokyo"], ["sensor-hostile", `sensor?name=${encodeURIComponent("<img src=x onerror=alert(1)>")}`], ["ports-of-sensor", "ports?sensor=attic"],
];

for (const [size, colorScheme, language] of /** @type {const} */ ([["wide", "light", "en"], ["phone", "dark", "ja"]])) {
  test(`every page opens without a complaint: ${size}, ${colorScheme}, ${language}`, async () => {
    const wish = { viewport: size === "wide" ? WIDE : PHONE, colorScheme, locale: language === "ja" ? "ja-JP" : "en-GB" };
    await visit(wish, async (page) => {
      for (const [name, address] of PAGES) {
        await go(page, address);
        await page.waitForSelector("main h1");
        assert.equal(await page.locator(".note.failure").count(), 0, `${name} could be read`);
        assert.equal(await page.locator("main script, main img[src='x'], main iframe").count(), 0, `${name} is inert`);
        await assertFits(page);
        await picture(page, `${size}-${colorScheme}-${language}-${name}`);
      }
    });
  });
}

test("every row leads to its own page, and back", known, async () => {
  await visit({}, async (page) => {
    await go(page, "who?tab=tried");
    await page.locator(".cloud a", { hasText: /^root$/ }).first().click();
    await settled(page);
    assert.match(await page.evaluate(() => location.hash), /^#\/item\?key=user%3Aroot$/);
    assert.equal((await page.locator("main h1").textContent())?.trim(), "root");
    await page.locator(".bars a", { hasText: "tcp/23" }).click();
    await settled(page);
    assert.equal(await page.evaluate(() => location.hash), "#/port/tcp/23");
    await page.goBack();
    await settled(page);
    await page.locator("a", { hasText: en.item.search }).click();
    await settled(page);
    assert.equal(await page.locator(".box input").inputValue(), "user:root");
  });
});

test("the search suggests, keeps what is searched for in the address, and goes further back", known, async () => {
  await visit({}, async (page) => {
    await go(page, "search");
    const box = page.locator(".box input");
    await box.pressSequentially("us");
    await page.locator("#suggestions li", { hasText: "user:" }).waitFor();
    await box.press("ArrowDown");
    await box.press("Enter");
    assert.equal(await box.inputValue(), "user:");
    await box.pressSequentially("ro");
    await page.waitForFunction(() => document.querySelectorAll("#suggestions li").length === 1);
    await page.locator("#suggestions li", { hasText: "user:root" }).waitFor();
    await box.press("ArrowDown");
    await box.press("Enter");
    assert.equal(await box.inputValue(), "user:root ");
    await box.press("Enter");
    await settled(page);
    assert.equal(await page.evaluate(() => location.hash), "#/search?q=user%3Aroot");
    assert.ok((await page.locator(".events li").count()) >= 30);
    await page.locator("button", { hasText: en.search.further }).click();
    await settled(page);
    assert.equal(await page.locator("button", { hasText: en.search.further }).count(), 0);
    await go(page, "search?q=port%3Ahttp");
    assert.match((await page.locator(".note.failure").textContent()) ?? "", /Http is no port/);
  }).catch((error) => {
    // The browser tells of an answer of 400 itself; nothing else may be said.
    if (!/400 \(Bad Request\)/.test(String(error.message))) throw error;
  });
});

test("a table is saved as a file", known, async () => {
  await visit({}, async (page) => {
    await go(page, "list?kind=users");
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator(".save a", { hasText: "CSV" }).click()]);
    assert.equal(download.suggestedFilename(), "kizashi-top.csv");
  });
});

test("the bench takes apart what was wrapped, and what comes out does nothing", async () => {
  await visit({}, async (page) => {
    await go(page, "bench");
    await page.locator(".bench textarea").fill(gzipSync("<script>window.broken = true</script>\u001b[2J").toString("base64"));
    await page.locator("button", { hasText: en.bench.operations.base64 }).click();
    await page.locator(".operations button", { hasText: /^gzip$/ }).click();
    await page.locator(".bench pre.hostile", { hasText: "<script>" }).waitFor();
    assert.equal(await page.locator(".bench pre.hostile").textContent(), "<script>window.broken = true</script>\\x1b[2J");
    assert.match((await page.locator(".bench pre.dump").textContent()) ?? "", /^000000 {2}3c 73 63 72/);
    await page.locator(".operations button", { hasText: /^gzip$/ }).click();
    await page.locator(".bench .failure").waitFor();
  });
});

test("a sign is marked, silenced and noted by its owner, and that stays", known, async () => {
  await visit({ locale: "ja-JP" }, async (page) => {
    await go(page, "signs");
    await page.locator("main a[href^='#/sign/']").first().click();
    await settled(page);
    await page.locator(".desk button", { hasText: ja.desk.markSeen }).click();
    await page.locator(".desk button[aria-pressed='true']").waitFor();
    await page.locator(".desk textarea").fill("<b>確認</b>");
    await page.locator(".desk button", { hasText: ja.desk.save }).click();
    await page.locator(".desk [role=status]", { hasText: ja.desk.saved }).waitFor();
    await page.locator(".desk .mute input").fill("自分たちの検査");
    await page.locator(".desk button", { hasText: ja.desk.mute }).click();
    await page.locator(".desk", { hasText: "自分たちの検査" }).waitFor();
    await page.reload();
    await page.waitForSelector(".desk textarea");
    assert.equal(await page.locator(".desk textarea").inputValue(), "<b>確認</b>");
    assert.equal(await page.locator(".desk button", { hasText: ja.desk.unmute }).count(), 1);
    await picture(page, "wide-light-ja-sign-desk");
  });
});

test("a sensor that nobody came to says what to do first", known, async () => {
  const empty = await startFixture("empty");
  try {
    await visit({}, async (page) => {
      await go(page, "settings");
      await page.locator(".guide li").nth(3).waitFor();
      assert.equal(await page.locator(".guide li.is-done").count(), 2);
      await picture(page, "wide-light-en-settings-empty");
      await go(page, "who");
      await picture(page, "wide-light-en-who-empty");
    }, empty.url);
  } finally {
    empty.stop();
  }
});
