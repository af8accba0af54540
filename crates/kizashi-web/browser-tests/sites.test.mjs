// The sites that the web trap shows (kizashi-traps/data/sites) in a real browser, wide and on a phone: each first page comes without a
// complaint, asks no other host, fits its window, and each sign-in that is tried refuses.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PHONE, WIDE, launch, picture, watch } from "./browser.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`;

/** Where a person begins, where that is not the root. @type {Record<string, string>} */
const FIRST = { weblogic: "/console/", kubernetes: "/version", kubelet: "/healthz", docker: "/version", "spring-boot": "/actuator/health" };

/** Where a person signs in, where that is not where he begins: some have a front page for everybody. @type {Record<string, string>} */
const SIGN_IN = { jenkins: "/login?from=%2F", wordpress: "/wp-login.php" };

/** Whose own pages are wider than a phone: nginx's default page, and YARN's tables. */
const WIDE_ONLY = new Set(["default", "hadoop-yarn"]);

/** Name and password fields of the sign-ins. @type {Record<string, [string, string, RegExp]>} */
const SIGN_INS = {
  jenkins: ["j_username", "j_password", /Sign in/],
  wordpress: ["log", "pwd", /is incorrect/],
  phpmyadmin: ["pma_username", "pma_password", /Access denied/],
  grafana: ["user", "password", /Invalid username or password/],
  gitlab: ["user[login]", "user[password]", /Invalid login or password/],
  weblogic: ["j_username", "j_password", /Authentication Denied/],
  confluence: ["os_username", "os_password", /are incorrect/],
  "exchange-owa": ["username", "password", /isn't correct/],
  fortigate: ["username", "credential", /Permission denied/],
  "citrix-gateway": ["login", "passwd", /Incorrect user name/],
  "gpon-router": ["username", "psd", /bad password/],
  "ip-camera": ["username", "password", /Log in failed/],
};

/** @type {Map<string, string>} */
const sites = new Map();
const build = spawn("cargo", ["build", "--quiet", "--workspace", "--example", "sites"], { cwd: root, stdio: "inherit" });
const [code] = await once(build, "exit");
assert.equal(code, 0, "the example does not build");
const server = spawn(`${target}/debug/examples/sites`, [], { stdio: ["pipe", "pipe", "inherit"] });
for await (const line of createInterface({ input: server.stdout })) {
  const [word, name, url] = line.split(" ");
  if (word === "ready") break;
  if (name && url) sites.set(name, url);
}
assert.ok(sites.size > 15, `${sites.size} sites`);

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
  server.kill();
});

/** What the browser says of a page that answers 401 or 404 on purpose is no fault of the page. @param {string} complaint */
const isFault = (complaint) => !/the server responded with a status of (401|403|404)/.test(complaint);

for (const [name, url] of sites) {
  test(`${name} comes whole, wide and on a phone`, async () => {
    for (const [view, viewport] of /** @type {const} */ ([["wide", WIDE], ["phone", PHONE]])) {
      const watched = await watch(browser, new URL(url).origin, { viewport });
      try {
        await watched.page.goto(url + (FIRST[name] ?? "/"));
        // Some pages lead on by themselves, as the products' do.
        await watched.page.waitForTimeout(name === "jenkins" ? 1500 : 300);
        await watched.page.waitForLoadState("networkidle");
        const { wide, seen, text } = await watched.page.evaluate(() => ({
          wide: document.documentElement.scrollWidth, seen: innerWidth, text: document.body.innerText.trim(),
        }));
        assert.ok(text.length > 1, "nothing is shown");
        assert.ok(wide <= seen + 1 || text.startsWith("{") || WIDE_ONLY.has(name), `${wide} pixels wide in a window of ${seen}`);
        await picture(watched.page, `site-${name}-${view}`, false);
        assert.deepEqual(watched.complaints.filter(isFault), []);
      } finally {
        await watched.close();
      }
    }
  });
}

for (const [name, [user, password, says]] of Object.entries(SIGN_INS)) {
  test(`${name} refuses whoever signs in`, async () => {
    const url = sites.get(name) ?? assert.fail(`there is no ${name}`);
    const watched = await watch(browser, new URL(url).origin);
    try {
      const { page } = watched;
      await page.goto(url + (SIGN_IN[name] ?? FIRST[name] ?? "/"));
      await page.locator(`[name="${user}"]`).first().fill("admin", { timeout: 20000 });
      await page.locator(`[name="${password}"]`).first().fill("hunter2");
      await page.locator(`[name="${password}"]`).first().press("Enter");
      await page.waitForFunction(
        (pattern) => new RegExp(pattern).test(document.body.innerText), says.source, { timeout: 20000 },
      );
      assert.deepEqual(watched.complaints.filter(isFault), []);
    } finally {
      await watched.close();
    }
  });
}
