// Pictures of every view, for eyes: `node look.mjs`.
import { PHONE, WIDE, dashboard, launch, open, picture, watch } from "./browser.mjs";

const served = await dashboard();
const browser = await launch();
for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    const watched = await watch(browser, new URL(served.url).origin, { viewport, colorScheme });
    await open(watched, served.url);
    const { page } = watched;
    await page.waitForTimeout(1500);
    await picture(page, `${size}-${colorScheme}-overview`);
    await page.click(".ports tbody tr:nth-child(3) th a");
    await page.waitForSelector(".readout");
    await picture(page, `${size}-${colorScheme}-port`);
    await page.goBack();
    await page.click(".cards a");
    await page.waitForSelector(".evidence, .page .note");
    await page.waitForSelector(".readout");
    await picture(page, `${size}-${colorScheme}-sign`);
    for (const complaint of watched.complaints) process.stdout.write(`${complaint}\n`);
    await watched.close();
  }
}
await browser.close();
served.stop();
