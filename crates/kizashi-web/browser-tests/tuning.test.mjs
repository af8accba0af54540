// What the owner sets, tries, opens and silences, in a real browser: the promise of false alarms, a test of the channels, captured content byte by byte,
// sensors side by side, silenced signs, notifications of the desktop, commands to copy.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, go, isFixture, launch, open, picture, settled, startFixture, watch } from "./browser.mjs";
import { en as words } from "../assets/words/en.js";
import { more as en } from "../assets/words/more.en.js";
import { more as ja } from "../assets/words/more.ja.js";

/** @typedef {import("playwright-core").Page} Page */

const known = { skip: isFixture ? /** @type {false} */ (false) : "the texts of this dashboard are not known" };
/** @type {import("./browser.mjs").Dashboard} */
let fixture;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  if (isFixture) fixture = await startFixture("full");
  browser = await launch();
});
after(async () => {
  await browser.close();
  fixture?.stop();
});

/** @param {Parameters<typeof watch>[2]} wish @param {(page: Page) => Promise<void>} act @param {(page: Page) => Promise<unknown>} [first] before the page opens
 * @param {string[]} [expected] what the browser itself says of requests that are meant to be refused */
async function visit(wish, act, first, expected = []) {
  const watched = await watch(browser, new URL(fixture.url).origin, wish);
  try {
    await first?.(watched.page);
    await open(watched, fixture.url);
    await act(watched.page);
    assert.equal(await watched.page.evaluate(() => /** @type {any} */ (window).broken), undefined, "no script of a visitor ran");
    assert.deepEqual(watched.complaints, expected);
  } finally {
    await watched.close();
  }
}

test("false alarms a week are set on the page, shown with where they come from, and given back to the file", known, async () => {
  await visit({}, async (page) => {
    await go(page, "settings");
    const panel = page.locator("section", { has: page.locator("#alarms-title") });
    assert.match((await panel.locator(".holds").textContent()) ?? "", new RegExp(en.tuning.fromFile));
    await panel.locator("input").fill("0.25");
    await panel.locator("button", { hasText: en.tuning.setIt }).click();
    await panel.locator(".holds", { hasText: "0.25" }).waitFor();
    await panel.locator("[role=status]", { hasText: en.tuning.set }).waitFor();
    await page.reload();
    await settled(page);
    assert.match((await panel.locator(".holds").textContent()) ?? "", /0\.25/);
    await picture(page, "wide-light-en-settings-set");
    await panel.locator("button", { hasText: en.tuning.backToFile("1") }).click();
    await panel.locator(".holds", { hasText: en.tuning.fromFile }).waitFor();
    // What the page would not take the browser holds back already.
    await panel.locator("input").fill("5000");
    await panel.locator("button", { hasText: en.tuning.setIt }).click();
    assert.match((await panel.locator(".holds").textContent()) ?? "", new RegExp(en.tuning.fromFile));
  });
});

for (const [locale, said] of /** @type {const} */ ([["en-GB", en], ["ja-JP", ja]])) {
  test(`a test is sent to every channel, and each receiver's answer is told: ${locale}`, known, async () => {
    await visit({ locale, viewport: PHONE }, async (page) => {
      await go(page, "settings");
      const panel = page.locator("section", { has: page.locator("#channels-title") });
      await panel.locator("button", { hasText: said.tuning.test }).click();
      await panel.locator("li.sent", { hasText: said.tuning.states.sent }).waitFor();
      const failed = panel.locator("li.failed", { hasText: said.tuning.states.failed });
      // The receiver's words are text, whatever they are.
      assert.match((await failed.textContent()) ?? "", /404: <img src=x onerror=alert\(1\)>/);
      await picture(page, `phone-light-${locale.slice(0, 2)}-settings-tested`);
    });
  });
}

test("a trap is turned off and on, what comes of it is waited for, and a port that takes a restart says so", known, async () => {
  await visit({ viewport: PHONE }, async (page) => {
    await go(page, "settings");
    const traps = page.locator("section", { has: page.locator("#traps-title") });
    const row = (/** @type {string} */ name) => traps.locator(".traps li", { has: page.locator("b", { hasText: new RegExp(`^${name}$`) }) });
    const turn = (/** @type {string} */ name) => row(name).locator("[role=switch]");
    assert.equal(await turn("ssh").getAttribute("aria-checked"), "true");
    await turn("ssh").click();
    await traps.locator("[role=status]", { hasText: en.switches.turning }).waitFor();
    assert.equal(await turn("ssh").isDisabled(), true, "one change at a time");
    await row("ssh").locator(".where", { hasText: en.switches.off }).waitFor();
    await page.waitForFunction(() => !document.querySelector("[role=switch]")?.hasAttribute("disabled"));
    assert.equal(await turn("ssh").getAttribute("aria-checked"), "false");
    await turn("https").click();
    await row("https").locator(".trouble", { hasText: "tcp/443" }).waitFor();
    assert.equal(await row("https").locator(".trouble").textContent(), en.switches.troubles.restart("tcp/443"));
    await picture(page, "phone-light-en-settings-traps");
    for (const name of ["ssh", "https"]) {
      await row(name).locator("button", { hasText: en.switches.setHere }).click();
      await row(name).locator("button", { hasText: en.switches.setHere }).waitFor({ state: "detached" });
      await page.waitForFunction(() => !document.querySelector("[role=switch]")?.hasAttribute("disabled"));
    }
    await row("ssh").locator(".where", { hasText: "0.0.0.0:29" }).waitFor();
    // A switch is turned by keys alone.
    await turn("ssh").focus();
    await page.keyboard.press("Space");
    await page.waitForFunction(() => document.querySelectorAll(".traps li.is-on").length === 6);
    await page.waitForFunction(() => !document.querySelector("[role=switch]")?.hasAttribute("disabled"));
    await row("ssh").locator("button", { hasText: en.switches.setHere }).click();
  });
});

test("how long things are kept is set with what comes of it, refused in words, and given back to the file", known, async () => {
  await visit({}, async (page) => {
    await go(page, "settings");
    const form = page.locator("form.keeping");
    const days = form.locator("input").first();
    const set = form.locator("button[type=submit]");
    assert.equal(await set.isDisabled(), true, "there is nothing to set yet");
    await days.fill("30");
    await form.locator(".note", { hasText: en.switches.gone }).waitFor();
    assert.match((await form.locator("[aria-live]").textContent()) ?? "", /settles at/);
    assert.equal(await set.textContent(), en.switches.keepLess);
    await picture(page, "wide-light-en-settings-keeping");
    await set.click();
    await form.locator("[role=status]", { hasText: en.switches.kept }).waitFor();
    await form.locator("small", { hasText: en.switches.fileSays("90") }).waitFor();
    // What the server refuses is told in its words, and nothing in them acts.
    await days.fill("7");
    await set.click();
    await form.locator("[role=alert]", { hasText: "<img src=x" }).waitFor();
    await form.locator("button", { hasText: en.switches.asInFile }).click();
    await form.locator("small", { hasText: en.switches.fileSays("90") }).waitFor({ state: "detached" });
    assert.equal(await days.inputValue(), "90");
  }, undefined, ["console error: Failed to load resource: the server responded with a status of 400 (Bad Request)"]);
});

test("the page says where the lines go that only root's file can hold", known, async () => {
  await visit({}, async (page) => {
    await go(page, "settings");
    assert.match((await page.locator("section", { has: page.locator("#lines-title") }).locator("code").textContent()) ?? "", /config check --config \/etc\/kizashi\/kizashi\.toml/);
  });
});

test("captured content is read to its last byte, searched, and saved in a form that nothing opens", known, async () => {
  await visit({}, async (page) => {
    await go(page, `item?key=${encodeURIComponent(`payload:${"0".repeat(64)}`)}`);
    const panel = page.locator(".content");
    await panel.locator("pre.dump").waitFor();
    assert.match((await panel.locator("pre.dump").textContent()) ?? "", /^000000 {2}7f 45 4c 46/);
    await panel.locator("button", { hasText: en.list.next }).click();
    await panel.locator("pre.dump", { hasText: "000400" }).waitFor();
    await panel.locator("input").fill("busybox mirai");
    await panel.locator("button", { hasText: en.content.find }).click();
    await panel.locator("[role=status]", { hasText: en.content.found(1, false) }).waitFor();
    await panel.locator("button", { hasText: en.content.firstHit }).click();
    await panel.locator("mark").first().waitFor();
    const marked = (await panel.locator("mark").allTextContents()).join("");
    assert.match(marked, /bus.*M.*I.*R.*A.*I/s);
    await picture(page, "wide-light-en-item-bytes");
    // The address says what is shown, to its place.
    const address = page.url();
    await page.goto(`${new URL(fixture.url).origin}/`);
    await page.goto(address);
    await panel.locator("mark").first().waitFor();
    await panel.locator("button", { hasText: en.content.text }).click();
    await panel.locator("pre.hostile", { hasText: "/bin/busybox MIRAI" }).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), panel.locator("a", { hasText: en.content.save }).click()]);
    assert.match(download.suggestedFilename(), /^[0-9a-f]{64}\.zip$/);
  });
});

test("sensors stand side by side, and one of them can be looked at alone", known, async () => {
  await visit({}, async (page) => {
    await go(page, "sensors");
    assert.equal(await page.locator(".sensor").count(), 5);
    assert.equal(await page.locator(".sensor.is-silent").count(), 2);
    assert.match((await page.locator(".sensor.is-silent h2").last().textContent()) ?? "", /<img src=x/);
    await picture(page, "wide-light-en-sensors");
    await page.locator(".sensor", { hasText: "attic" }).locator("a", { hasText: en.sensors.ports }).click();
    await settled(page);
    assert.match(page.url(), /#\/ports\?sensor=attic$/);
    await page.locator("main .note", { hasText: "attic" }).waitFor();
    assert.equal(await page.locator(".ports tbody tr").count(), 9);
    await page.locator("main select").selectOption("");
    await page.waitForFunction(() => document.querySelectorAll(".ports tbody tr").length > 9);
    await go(page, "search");
    await page.locator(".box input").fill("sensor:at");
    await page.locator("#suggestions li", { hasText: "sensor:attic" }).waitFor();
  });
});

for (const [locale, said] of /** @type {const} */ ([["en-GB", en], ["ja-JP", ja]])) {
  test(`a fleet's sensor says since when it is silent, how far behind it is and what went wrong, side by side and on its own page: ${locale}`, known, async () => {
    await visit({ locale, viewport: PHONE, colorScheme: "dark" }, async (page) => {
      await go(page, "sensors");
      await page.locator("[role=status]", { hasText: said.sensors.found(5, 2) }).waitFor();
      const osaka = page.locator(".sensor", { hasText: "osaka" });
      const silent = said.sensors.silentSince("@").replace("@", "").trim();
      assert.ok(((await osaka.locator(".state").textContent()) ?? "").includes(silent));
      assert.match((await osaka.locator(".is-bad", { hasText: said.sensors.waiting }).textContent()) ?? "", /48\.3 MB/);
      assert.equal(await osaka.locator(".troubles li").count(), 3);
      assert.equal(await page.locator(".sensor", { hasText: "tokyo" }).locator(".troubles").count(), 0);
      // One group alone, kept in the address.
      await page.locator("main select").selectOption("asia");
      await page.locator("[role=status]", { hasText: said.sensors.found(2, 1) }).waitFor();
      assert.match(page.url(), /group=asia/);
      await osaka.locator("h2 a").click();
      await settled(page);
      assert.match(page.url(), /#\/sensor\?name=osaka$/);
      await page.locator(".fine", { hasText: "version 2" }).waitFor();
      await page.locator("canvas.plot").waitFor();
      await page.locator("button", { hasText: said.sensors.lastDays(31) }).click();
      await settled(page);
      assert.match(page.url(), /days=31/);
      assert.equal(await page.locator(".ranking .bars li").count(), 9);
      await go(page, "sensor?name=never");
      await page.locator(".empty", { hasText: said.sensors.noSuch }).waitFor();
    });
  });
}
test("one switch makes home, ports, live and who of one sensor, stands in the address and goes along, and says what stays of all", known, async () => {
  await visit({}, async (page) => {
    const choice = page.locator("main .sensor-choice");
    await choice.selectOption("attic");
    await page.locator(".of-sensor", { hasText: "attic" }).waitFor();
    assert.match(page.url(), /#\/\?sensor=attic$/);
    await page.waitForFunction((names) => document.querySelectorAll(".figures-of-day .figure").length === names, 1);
    await picture(page, "wide-light-en-home-sensor");
    for (const [id, name] of /** @type {const} */ ([["who", "who"], ["ports", "ports"], ["live", "live"]])) {
      await page.locator(`.rail a[href^="#/${id}"]`).click();
      await settled(page);
      assert.match(page.url(), new RegExp(`#/${name}\\?sensor=attic$`));
      await page.locator(".of-sensor", { hasText: "attic" }).waitFor();
      assert.equal(await choice.inputValue(), "attic");
      await picture(page, `wide-light-en-${name}-sensor`);
    }
    // Events of others are not shown: those of the made-up stream are of none of these sensors.
    assert.equal(await page.locator(".feed li").count(), 0);
    await choice.selectOption("");
    await page.locator(".feed li").first().waitFor();
    // A name that no sensor has, from an address that somebody else wrote, is text.
    await go(page, `who?sensor=${encodeURIComponent("<img src=x onerror=broken=1>")}`);
    await page.locator(".of-sensor", { hasText: "<img src=x" }).waitFor();
  });
});

test("a sign that its owner silences no longer decides the first page's answer, and stands folded below", known, async () => {
  await visit({}, async (page) => {
    const open = await page.locator(".cards li").count();
    const first = await page.locator(".verdict .why a").first().getAttribute("href");
    await page.goto(`${new URL(fixture.url).origin}/${first}`);
    await page.waitForSelector(".desk .mute button");
    await page.locator(".desk button", { hasText: en.desk.mute }).click();
    await page.locator(".desk button", { hasText: en.desk.unmute }).waitFor();
    await go(page, "");
    await page.locator(".silenced summary", { hasText: words.signs.silenced(1) }).waitFor();
    assert.equal(await page.locator(".cards li").count(), open - 1);
    const now = await page.locator(".verdict .why").innerHTML();
    assert.ok(!now.includes(first ?? "-"), "another sign decides, or none");
    assert.equal(await page.locator(`.silenced a[href="${first}"]`).isVisible(), false);
    await page.locator(".silenced summary").click();
    assert.equal(await page.locator(`.silenced a[href="${first}"]`).isVisible(), true);
    await picture(page, "wide-light-en-home-silenced");
    await page.goto(`${new URL(fixture.url).origin}/${first}`);
    await page.waitForSelector(".desk");
    await page.locator(".desk button", { hasText: en.desk.unmute }).click();
    await page.locator(".desk .mute input").waitFor();
  });
});

/** Stands in for the browser's notifications and notes what is told. @param {Page} page @param {NotificationPermission} permission what the person answers */
const standIn = (page, permission) =>
  page.addInitScript((answer) => {
    const told = /** @type {any[]} */ ([]);
    class Stand extends EventTarget {
      /** @param {string} title @param {object} options */
      constructor(title, options) {
        super();
        told.push({ title, ...options });
      }
      static permission = localStorage.getItem("answered") ?? "default";
      static async requestPermission() {
        localStorage.setItem("answered", answer);
        Stand.permission = answer;
        return answer;
      }
      close() {}
    }
    Object.assign(window, { Notification: Stand, told });
  }, permission);

/** A sign as the stream tells of it. @param {Page} page @param {object} change */
const raise = (page, change) =>
  page.evaluate(async (what) => {
    const { signHearers, now } = await import(/** @type {any} */ ("/state.js"));
    const sign = { id: "new-1", kind: "rise", key: "tcp/23", label: "Telnet", name: null, detected: now().toISOString(), since: now().toISOString(), ratio: 8.4, severity: "high", open: true, ...what };
    for (const hear of signHearers) hear(sign);
    return /** @type {any} */ (window).told;
  }, change);

test("the desktop is told of a sign once that was switched on, with nothing of a visitor's unescaped", known, async () => {
  await visit({}, async (page) => {
    assert.deepEqual(await raise(page, {}), [], "off until somebody switches it on");
    await go(page, "settings");
    const choice = page.locator(`[role=group][aria-label="${words.settings.desktop}"]`);
    await choice.locator("button", { hasText: words.settings.on }).click();
    await page.locator("[role=status]", { hasText: words.settings.desktopTold.on }).waitFor();
    const told = await raise(page, { id: "new-2", name: "Mirai \u202e\u001b[2J<b>", key: "user:a\\x1bb" });
    assert.equal(told.length, 1);
    assert.equal(told[0].tag, "kizashi-new-2");
    assert.doesNotMatch(`${told[0].title}${told[0].body}`, /[\u0000-\u001f\u202e]/);
    assert.match(told[0].title, /Mirai/);
    assert.equal((await raise(page, { id: "old", detected: "2020-01-01T00:00:00Z" })).length, 1, "what was raised long ago is no news");
    await page.reload();
    await settled(page);
    assert.equal((await raise(page, { id: "new-3" })).length, 1, "it stays switched on in this browser");
    await choice.locator("button", { hasText: words.settings.off }).click();
    assert.equal((await raise(page, { id: "new-4" })).length, 1);
  }, (page) => standIn(page, "granted"));
});

for (const [locale, shown] of /** @type {const} */ ([["ja-JP", "ペリスコープの亜種"], ["en-GB", "Periscope's kin"]])) {
  test(`a sign is called by its name in the page's language, in its text: ${locale}`, known, async () => {
    await visit({ locale }, async (page) => {
      const title = await page.evaluate(async () => {
        const { title: of } = await import(/** @type {any} */ ("/views/signs.js"));
        return [of({ kind: "rise", key: "tcp/23", label: "Telnet", name: "Periscope's kin", name_ja: "ペリスコープの亜種" }), of({ kind: "rise", key: "tcp/23", label: "Telnet", name: "Periscope's kin" })];
      });
      assert.deepEqual(title, [shown, "Periscope's kin"], "without a name in Japanese the other one is better than none");
    });
  });
}

test("where the browser forbids it the page says so", known, async () => {
  await visit({}, async (page) => {
    await go(page, "settings");
    await page.locator(`[role=group][aria-label="${words.settings.desktop}"] button`, { hasText: words.settings.on }).click();
    await page.locator("[role=status]", { hasText: words.settings.desktopTold.denied }).waitFor();
    assert.deepEqual(await raise(page, {}), []);
  }, (page) => standIn(page, "denied"));
});

test("each command of an advisory is copied by a button of its own, and stands once", known, async () => {
  await visit({}, async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await go(page, "signs");
    await page.locator("main a[href^='#/sign/']").first().click();
    await settled(page);
    const commands = await page.locator(".command code").allTextContents();
    assert.ok(commands.length >= 2, commands.join());
    assert.equal(new Set(commands).size, commands.length, "none stands twice");
    await page.locator(".advisory .command button").first().click();
    await page.locator(".advisory .command button", { hasText: en.desk.copied }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), commands[0]);
  });
});
