// The dashboard in a real browser, with data in it: who gets in, every view, and that nothing an attacker wrote does anything.
// With KIZASHI_URL (the address that `kizashi demo` prints) it looks at that; what needs texts that we know is then left out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, WIDE, dashboard, go, isFixture, launch, open, picture, settled, startFixture, watch } from "./browser.mjs";
import { yearOfSeries } from "./year.mjs";
import { en } from "../assets/words/en.js";
import { ja } from "../assets/words/ja.js";

/** @typedef {import("playwright-core").Page} Page */

const { url, stop } = await dashboard();
const { origin } = new URL(url);
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

/** Opens the dashboard, does something in it, and refuses any complaint of the browser.
 * @param {Parameters<typeof watch>[2]} wish @param {(page: Page) => Promise<void>} act @param {string} [address] */
async function visit(wish, act, address = url) {
  const watched = await watch(browser, new URL(address).origin, wish);
  try {
    await open(watched, address);
    await act(watched.page);
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

/** Ink of the chart: pixels of the counts' blue and of the score's red. @param {Page} page */
const inks = (page) =>
  page.evaluate(() => {
    const canvas = /** @type {HTMLCanvasElement | null} */ (document.querySelector("canvas.plot"));
    if (!canvas || canvas.width === 0) return { blue: 0, red: 0 };
    // Read from a copy: the page's own canvas stays one that is drawn to only.
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }).getContext("2d", { willReadFrequently: true });
    copy?.drawImage(canvas, 0, 0);
    const pixels = copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    let [blue, red] = [0, 0];
    for (let at = 0; at < pixels.length; at += 4) {
      const [r = 0, , b = 0, a = 0] = pixels.slice(at, at + 4);
      if (a > 200 && b > r + 60) blue += 1;
      if (a > 200 && r > b + 60) red += 1;
    }
    return { blue, red };
  });

/** Waits for a chart that holds ink: one that is being drawn anew is empty for a moment. @param {Page} page */
async function assertDrawn(page) {
  await page.waitForSelector("canvas.plot");
  const end = Date.now() + 10_000;
  let seen = await inks(page);
  while (seen.blue <= 300 && Date.now() < end) {
    await page.waitForTimeout(50);
    seen = await inks(page);
  }
  assert.ok(seen.blue > 300, `counts are drawn blue: ${seen.blue} pixels`);
  return seen;
}

test("without the token there is only the way in", async () => {
  const watched = await watch(browser, origin);
  const { page } = watched;
  const answer = await page.goto(`${origin}/`);
  assert.equal(answer?.status(), 401);
  assert.equal(await page.locator("input[name=token]").count(), 1);
  await picture(page, "sign-in");
  for (const path of ["/app.js", "/style.css", "/api/v1/status", "/api/v1/events", "/api/v1/feed"]) {
    assert.equal((await page.request.get(origin + path)).status(), 401, path);
  }
  await page.fill("input[name=token]", "a-token-that-is-not-the-right-one");
  await page.click("button");
  assert.equal(await page.locator("input[name=token]").count(), 1);
  await page.fill("input[name=token]", new URL(url).searchParams.get("token") ?? "");
  await page.click("button");
  await page.waitForSelector(".connection.live");
  // A browser reports a page that answers 401; nothing else may be said.
  assert.deepEqual(watched.complaints.filter((complaint) => !complaint.includes("401 (Unauthorized)")), []);
  await watched.close();
});

test("the token becomes a strict cookie that scripts cannot read, and leaves the address", async () => {
  await visit({}, async (page) => {
    assert.equal(page.url(), `${origin}/`);
    const [cookie, ...others] = await page.context().cookies();
    assert.deepEqual(others, []);
    assert.equal(cookie?.httpOnly, true);
    assert.equal(cookie?.sameSite, "Strict");
    assert.equal(await page.evaluate(() => document.cookie), "");
  });
});

test("a name that leads here from elsewhere is refused", async () => {
  const watched = await watch(browser, origin);
  const answer = await watched.page.request.get(`${url}`, { headers: { host: "rebound.example" }, maxRedirects: 0 });
  assert.equal(answer.status(), 421);
  await watched.close();
});

/** @type {["wide" | "phone", "light" | "dark", "en" | "ja"][]} */
const VIEWS = [
  ["wide", "light", "en"], ["wide", "dark", "en"], ["phone", "light", "en"], ["phone", "dark", "en"], ["wide", "light", "ja"], ["phone", "dark", "ja"],
];

for (const [size, colorScheme, language] of VIEWS) {
  test(`every view opens without a complaint: ${size}, ${colorScheme}, ${language}`, async () => {
    const wish = { viewport: size === "wide" ? WIDE : PHONE, colorScheme, locale: language === "ja" ? "ja-JP" : "en-GB" };
    const name = `${size}-${colorScheme}${language === "en" ? "" : `-${language}`}`;
    // Two of six are enough to look at.
    const isPictured = name === "wide-light" || name === "phone-dark-ja";
    await visit(wish, async (page) => {
      assert.equal(await page.textContent(".question"), (language === "ja" ? ja : en).answer.question);
      assert.equal(await page.getAttribute("html", "lang"), language);
      if (isPictured) await picture(page, `home-${name}`);
      await assertFits(page);
      for (const id of ["ports", "live", "who", "sessions", "signs", "settings"]) {
        await page.click(`nav a[href="#/${id}"]`);
        await page.waitForFunction((address) => document.querySelector("nav a[aria-current]")?.getAttribute("href") === address, `#/${id}`);
        await settled(page);
        const title = await page.title();
        assert.equal(title, `${(language === "ja" ? ja : en).navigation[/** @type {"ports"} */ (id)]} · Kizashi`);
        if (isPictured) await picture(page, `${id}-${name}`, false);
        await assertFits(page);
      }

      await go(page, "ports");
      await page.click(".ports tbody tr:nth-child(2) th a");
      await page.waitForSelector(".readout");
      assert.match(page.url(), /#\/port\/(tcp|udp|icmp)\/\d+$/);
      await assertDrawn(page);
      if (isPictured) await picture(page, `port-${name}`);
      await assertFits(page);

      await go(page, "signs");
      const sign = page.locator(".cards a, ol.past a").first();
      if (isFixture || (await sign.count()) > 0) {
        await sign.click();
        await page.waitForSelector(".advisory");
        await page.waitForSelector(".readout, .panel .note");
        if (isPictured) await picture(page, `sign-${name}`);
        await assertFits(page);
      }
    });
  });
}

test("the page speaks the language that is chosen, and goes on doing so", async () => {
  await visit({}, async (page) => {
    const asks = (/** @type {string} */ question) => page.waitForFunction((text) => document.querySelector(".question")?.textContent === text, question);
    await page.click(".language");
    await asks(ja.answer.question);
    assert.equal(await page.getAttribute("html", "lang"), "ja");
    await page.reload();
    await asks(ja.answer.question);
    await page.click(".language");
    await asks(en.answer.question);
  });
});

for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`a session is found and played without harm: ${size}, ${colorScheme}`, known, async () => {
      await visit({ viewport, colorScheme }, async (page) => {
        await page.goto(`${origin}/#/sessions`);
        await page.waitForSelector(".sessions li");
        await page.fill(".search", "no such line");
        await page.press(".search", "Enter");
        await page.waitForSelector("text=No session has a line");
        await page.fill(".search", "ECCHI");
        await page.press(".search", "Enter");
        await page.click(".sessions li a");
        await page.waitForSelector(".terminal");
        const shown = () => page.locator(".terminal").innerText();
        assert.match(await shown(), /BusyBox/);
        assert.doesNotMatch(await shown(), /ECCHI/, "nothing of what comes later");
        await page.click('.player .choice >> text="8×"');
        await page.click(".player .play");
        await page.waitForFunction(() => document.querySelector(".terminal")?.textContent?.includes("<img src=x"));
        const text = await shown();
        assert.match(text, /ECCHI: applet not found/);
        assert.match(text, /right {17}here/, "the cursor went up");
        assert.match(text, /\nkept\n/);
        assert.doesNotMatch(text, /wrong|gone/);
        assert.equal(await page.locator(".terminal img").count(), 0);
        assert.equal(await page.locator(".terminal .bold.colour-1").innerText(), "red and bold");
        assert.equal(await page.locator(".player .play").innerText(), "Play", "it stops at its end");
        await picture(page, `session-${size}-${colorScheme}`);
        await assertFits(page);
        await page.locator(".player input[type=range]").fill("0.6");
        assert.match(await shown(), /ECCHI/);
        assert.doesNotMatch(await shown(), /red and bold/);
      });
    });
  }
}

test("the series of a port is drawn in every bin, blue and red, and read with the pointer", async () => {
  await visit({}, async (page) => {
    await go(page, "ports");
    await page.click(".ports tbody tr:nth-child(1) th a");
    await page.waitForSelector(".readout");
    for (const bin of ["10 min", "1 h", "1 d", "12 h"]) {
      await page.click(`.choice >> text="${bin}"`);
      await page.waitForSelector('.timeline[aria-busy="false"]');
      const { red } = await assertDrawn(page);
      if (isFixture) assert.ok(red > 100, `the score is drawn red in bins of ${bin}: ${red} pixels`);
      await picture(page, `port-bins-${bin.replace(" ", "")}`, false);
    }
    await page.hover(".timeline .plot", { position: { x: 300, y: 100 } });
    await page.waitForSelector('.readout dt:text("Bin from")');
    await page.click('.choice >> text="Sources"');
    await page.waitForSelector('.readout .count dt:text("Sources")');
    await page.click(".figures summary");
    assert.ok((await page.locator(".figures tbody tr").count()) > 0);
  });
});

test("ports are drawn together, in logarithms, and the address shows another person the same", known, async () => {
  await visit({}, async (page) => {
    await go(page, "ports");
    for (const key of ["tcp/23", "tcp/445"]) await page.check(`[aria-label="Compare ${key}"]`);
    await page.click(`.picked >> text="${en.ports.compare}"`);
    await page.waitForSelector(".lines li:nth-child(2)");
    await page.click(`.choice >> text="${en.port.scales.log}"`);
    await page.click(`[aria-label="${en.timeline.closer}"]`);
    await page.waitForFunction(() => /from=\d+/.test(location.hash));
    const [address, shown] = [page.url(), await page.textContent(".when-shown")];
    assert.match(address, /#\/port\/tcp\/23\?with=tcp\/445&scale=log/);
    await page.goto("about:blank");
    await page.goto(address);
    await page.waitForSelector(".lines li:nth-child(2)");
    assert.equal(await page.textContent(".when-shown"), shown);
    assert.equal(await page.locator(`.choice >> text="${en.port.scales.log}"`).getAttribute("aria-pressed"), "true");
    await page.click(".beside .button");
    await page.waitForSelector(".readout");
    await picture(page, "port-zoomed", false);
  });
});

test("ports stand side by side as small charts, each drawn when it comes into sight", async () => {
  await visit({}, async (page) => {
    await go(page, "ports?view=charts");
    await page.waitForSelector(".tile canvas");
    const drawn = () => page.locator(".tile canvas").count();
    const all = await page.locator(".tile").count();
    const before = await drawn();
    assert.ok(before < all || all < 12, `${before} of ${all} before anybody looks`);
    for (let at = 0; at < 30 && (await drawn()) < all; at += 1) await page.mouse.wheel(0, 900).then(() => page.waitForTimeout(60));
    assert.equal(await drawn(), all);
    await page.fill(".search", "no such port");
    await page.waitForSelector(".empty");
    await page.fill(".search", "445");
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 1);
    await picture(page, "ports-charts", false);
  });
});

test("a year of ten-minute counts is scrolled without a stutter and in few requests", known, async () => {
  await visit({}, async (page) => {
    const asked = await yearOfSeries(page);
    await go(page, "port/tcp/445?bin=10m");
    await page.waitForSelector('.timeline[aria-busy="false"]');
    const box = (await page.locator(".past").boundingBox()) ?? assert.fail("no past");
    await page.evaluate(() => {
      const seen = /** @type {any} */ (window);
      seen.frames = [];
      let last = performance.now();
      requestAnimationFrame(function step(time) {
        seen.frames.push(time - last);
        last = time;
        requestAnimationFrame(step);
      });
    });
    await page.mouse.move(box.x + box.width - 4, box.y + 20);
    await page.mouse.down();
    for (let at = 1; at <= 60; at += 1) await page.mouse.move(box.x + box.width - 4 - (at / 60) * box.width * 0.9, box.y + 20);
    await page.mouse.up();
    await page.waitForSelector('.timeline[aria-busy="false"]');
    const frames = await page.evaluate(() => /** @type {number[]} */ (/** @type {any} */ (window).frames).sort((a, b) => a - b));
    const usual = frames[Math.floor(frames.length / 2)] ?? 0;
    const slow = frames[Math.floor(frames.length * 0.95)] ?? 0;
    console.log(`scrolling a year: median frame ${usual.toFixed(1)} ms, 95th of a hundred ${slow.toFixed(1)} ms, ${asked.length} requests`);
    // A machine that compiles beside this has slow frames of its own; a page that draws 50,000 bins a frame has nothing but these.
    assert.ok(usual < 50 && slow < 200, `median ${usual.toFixed(1)} ms, 95th of a hundred ${slow.toFixed(1)} ms`);
    assert.ok(asked.length < 20, `${asked.length} requests`);
    assert.ok(Math.max(...asked) < 6_000, `${Math.max(...asked)} bins at once`);
    await assertDrawn(page);
  });
});

test("ports are sorted by any column, by keyboard too", async () => {
  await visit({}, async (page) => {
    await go(page, "ports");
    const events = async () =>
      (await page.locator(".ports td.events").allTextContents()).map((text) => Number(text.replaceAll(",", "")));
    const first = await events();
    assert.deepEqual(first, [...first].sort((a, b) => b - a));
    await page.locator(".ports thead button", { hasText: "Events" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector('.ports th[aria-sort="ascending"]');
    const second = await events();
    assert.deepEqual(second, [...second].sort((a, b) => a - b));
    await page.click('.ports thead button:has-text("Port")');
    const ports = (await page.locator(".ports tbody code").allTextContents()).map((text) => Number(text.split("/")[1]));
    assert.deepEqual(ports, [...ports].sort((a, b) => a - b));
  });
});

test("the feed goes on by itself, and stands still while it is read", async () => {
  // The demo's visitors come when chance sends them: at night half a minute without one is nothing unusual.
  const patience = { timeout: isFixture ? 10_000 : 300_000 };
  await visit({}, async (page) => {
    await go(page, "live");
    const first = () => page.locator(".feed li").first().textContent();
    const before = await first();
    await page.waitForFunction((last) => document.querySelector(".feed li")?.textContent !== last, before, patience);
    await page.click(".feed button");
    const still = await first();
    await page.waitForSelector('.feed button:has-text("new")', patience);
    assert.equal(await first(), still);
    await page.click(".feed button");
    await page.waitForFunction((last) => document.querySelector(".feed li")?.textContent !== last, still, patience);
  });
});

test("everything can be reached by keyboard, and what has the focus shows it", async () => {
  await visit({}, async (page) => {
    const seen = new Set();
    for (let at = 0; at < 16; at += 1) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return null;
        return { is: element.tagName, text: (element.textContent ?? "").trim(), outline: getComputedStyle(element).outlineStyle };
      });
      if (focus === null) continue;
      assert.equal(focus.outline, "solid", focus.text);
      seen.add(focus.is);
    }
    assert.ok(seen.has("A") && seen.has("BUTTON"), [...seen].join());
  });
});

test("keys lead to pages, tell what they do, and can be turned off", async () => {
  await visit({}, async (page) => {
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open] kbd");
    await picture(page, "keys", false);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("dialog[open]") === null);
    for (const [key, id] of [["p", "ports"], ["s", "signs"], ["t", "settings"]]) {
      await page.keyboard.press("g");
      await page.keyboard.press(key ?? "");
      await page.waitForFunction((hash) => location.hash === hash, `#/${id}`);
      // The focus goes along, once the page is drawn.
      await page.waitForFunction(() => document.activeElement?.id === "main");
    }
    await settled(page);
    await page.click(`[aria-label="${en.keys.title}"] >> text="${en.settings.off}"`);
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await page.waitForTimeout(100);
    assert.match(page.url(), /#\/settings$/);
    await page.keyboard.press("Tab");
    await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
    await page.evaluate(() => document.querySelector(".skip")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true })));
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  });
});

test("home tells the last day against what is usual, hour by hour, and leads to what it names", known, async () => {
  await visit({}, async (page) => {
    await page.waitForSelector(".strip li");
    assert.equal(await page.locator(".strip li").count(), 24);
    assert.equal(await page.locator(".strip .band").count(), 24, "every hour has its usual range");
    assert.match((await page.textContent(".day .head p")) ?? "", /last 28 days/);
    const vnc = page.locator(".busy li", { hasText: "tcp/5900" });
    assert.match((await vnc.textContent()) ?? "", /more than usual.*usually \d/, "a port whose sign is open has more than usual");
    assert.equal(await page.locator(".figure").count(), 3);
    await page.click(".strip .sign-mark");
    await page.waitForSelector(".advisory");
    assert.match((await page.textContent("h1")) ?? "", /Redis/);
  });
});

test("light and dark are the reader's choice, and it is kept", async () => {
  await visit({ colorScheme: "light" }, async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await go(page, "settings");
    await page.click(`text="${en.settings.themes.dark}"`);
    const dark = await paper();
    assert.notEqual(dark, light);
    await page.reload();
    await settled(page);
    assert.equal(await paper(), dark);
    await page.click(`text="${en.settings.themes.system}"`);
    assert.equal(await paper(), light);
  });
});

test("an address that leads nowhere says so", async () => {
  await visit({}, async (page) => {
    for (const address of ["nothing", "port", "%3Cimg%20src=x%3E/%zz", "ports/tcp"]) {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, `#/${address}`);
      await page.waitForSelector(`h1:text("${en.frame.nowhere}")`);
    }
  });
});

test("words have enough contrast in both schemes", async () => {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await visit({ colorScheme }, async (page) => {
      const ratios = await page.evaluate(() => {
        const style = getComputedStyle(document.documentElement);
        const light = (/** @type {string} */ name) => {
          const [r = 0, g = 0, b = 0] = (style.getPropertyValue(name).match(/[\d.]+/g) ?? [])
            .map((part) => Number(part) / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        return ["--ink", "--muted", "--score", "--count", "--watch", "--quiet"].flatMap((ink) =>
          ["--paper", "--surface", "--raised"].map((paper) => {
            const [a, b] = [light(ink), light(paper)];
            return { what: `${ink} on ${paper}`, ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
          }),
        );
      });
      // WCAG 2.2, 1.4.3 (AA).
      for (const { what, ratio } of ratios) assert.ok(ratio >= 4.5, `${what}, ${colorScheme}: ${ratio.toFixed(2)}`);
    });
  }
});

test("hostile text is shown written out and does nothing", known, async () => {
  await visit({}, async (page) => {
    for (const address of ["who", "live", "sign"]) {
      if (address === "sign") {
        await go(page, "");
        await page.locator(".cards a").first().click();
        await page.waitForSelector(".evidence");
        await page.waitForSelector(".readout");
      } else {
        await go(page, address);
      }
      if (address === "live") {
        await page.waitForFunction(() => document.querySelectorAll(".feed .hostile").length > 5);
        // What the feed happens to hold is not known; that it does nothing is.
        assert.equal(await page.evaluate(() => "broken" in window), false);
        continue;
      }
      const text = (await page.textContent("main")) ?? "";
      assert.ok(text.includes("<img src=x onerror=alert(1)>"), "markup is text");
      assert.ok(text.includes("\\u{202e}gpj.exe\\u{202c}\\u{200b}\\u{feff}"), "marks are written out");
      assert.ok(text.includes("\\x1b[2J\\x1b[31mred\\x07"), "terminal escapes are written out");
      const whole = await page.evaluate(() => document.documentElement.outerHTML);
      assert.doesNotMatch(whole, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/);
      const injected = await page.evaluate(() => document.querySelectorAll("main img, #app script, #app iframe, [onerror]").length);
      assert.equal(injected, 0);
      assert.equal(await page.evaluate(() => "broken" in window), false);
      await assertFits(page);
    }
  });
});

test("very long words do not break a phone's page", known, async () => {
  await visit({ viewport: PHONE }, async (page) => {
    await page.locator(".cards a").first().click();
    await page.waitForSelector(".evidence");
    await page.waitForSelector(".readout");
    await assertFits(page);
    const tall = await page.evaluate(() => Math.max(...[...document.querySelectorAll(".bars li")].map((line) => line.clientHeight)));
    assert.ok(tall < 120, `a line of evidence is ${tall} pixels tall`);
  });
});

test("an error is said in a sentence, an unknown sign too, and a hostile address does nothing", known, async () => {
  const watched = await watch(browser, origin);
  const { page } = watched;
  await open(watched, url);
  await page.goto(`${origin}/#/port/udp/666`);
  await page.waitForSelector('[role=alert]:has-text("The store could not be read")');
  await picture(page, "error", false);
  await page.goto(`${origin}/#/sign/nothing`);
  await page.waitForSelector('h1:has-text("No such sign")');
  await page.goto(`${origin}/#/sign/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%E2%80%AE%zz`);
  await page.waitForSelector('h1:has-text("No such sign")');
  // The browser reports every answer of 400 and above; nothing else may be said.
  const others = watched.complaints.filter((complaint) => !/status of (400|404|500)/.test(complaint));
  assert.deepEqual(others, []);
  await watched.close();
});

test("a sensor to which nobody came, and one whose signs are over, are calm", known, async () => {
  for (const [mood, verdict] of /** @type {const} */ ([["empty", "Nobody has come yet."], ["calm", "Quiet"], ["silent", "Watch"]])) {
    const served = await startFixture(mood);
    try {
      await visit({}, async (page) => {
        await page.waitForSelector(`.verdict:has-text("${verdict}")`);
        await picture(page, `mood-${mood}`);
      }, served.url);
    } finally {
      served.stop();
    }
  }
});

test("a lost connection is said, keeps what is known, and is taken up again", known, async () => {
  const served = await startFixture("full");
  const port = Number(new URL(served.url).port);
  const watched = await watch(browser, new URL(served.url).origin);
  await open(watched, served.url);
  await go(watched.page, "ports");
  await watched.page.waitForSelector(".ports tbody tr");
  served.stop();
  await watched.page.waitForSelector(".banner");
  assert.ok((await watched.page.locator(".ports tbody tr").count()) > 0);
  await picture(watched.page, "offline", false);
  const again = await startFixture("full", port);
  try {
    await watched.page.waitForSelector(".connection.live", { timeout: 20_000 });
    assert.equal(await watched.page.locator(".banner").count(), 0);
  } finally {
    await watched.close();
    again.stop();
  }
});
