// Brings the page's libraries into ../assets/vendor from the packages that package-lock.json pins (with their integrity
// hashes): `npm ci && npm run vendor`. Two changes are made, both by this file alone: names of packages in imports become
// paths (a browser without an import map, which the page's policy forbids, cannot find `preact`), and references to source
// maps go. VENDORED.md is written anew with versions, licences and the SHA-256 of each file, which a Rust test compares.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { world } from "./world.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = fileURLToPath(new URL("../assets/vendor/", import.meta.url));

/** Name in the package, file in it, name here. */
const files = [
  ["preact", "dist/preact.mjs", "preact.js"],
  ["preact", "hooks/dist/hooks.mjs", "preact-hooks.js"],
  ["@preact/signals-core", "dist/signals-core.mjs", "signals-core.js"],
  ["@preact/signals", "dist/signals.mjs", "signals.js"],
  ["htm", "dist/htm.module.js", "htm.js"],
  ["@fontsource-variable/figtree", "files/figtree-latin-wght-normal.woff2", "figtree.woff2"],
];

/** What a package is called in imports, and where it lies here. */
const paths = new Map([
  ["preact", "./preact.js"],
  ["preact/hooks", "./preact-hooks.js"],
  ["@preact/signals-core", "./signals-core.js"],
]);

/** @param {string} name @param {string} file */
const bytes = (name, file) => readFileSync(`${here}node_modules/${name}/${file}`);
/** @param {string} name @param {string} file */
const read = (name, file) => bytes(name, file).toString("utf8");

/** @param {string} text */
const adapted = (text) =>
  text
    .replace(/\bfrom\s*(["'])([@a-z][a-z0-9@/-]*)\1/g, (_, quote, name) => {
      const path = paths.get(name);
      if (!path) throw new Error(`no path for the import of ${name}`);
      return `from${quote}${path}${quote}`;
    })
    .replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, "\n");

/** @type {string[]} */
const table = [];
for (const [name, from, to] of /** @type {[string, string, string][]} */ (files)) {
  const content = to.endsWith(".woff2") ? bytes(name, from) : adapted(read(name, from));
  writeFileSync(target + to, content);
  const hash = createHash("sha256").update(content).digest("hex");
  const { version } = JSON.parse(read(name, "package.json"));
  table.push(`| \`${to}\` | ${name} ${version}, \`${from}\` | \`${hash}\` |`);
}

const atlas = world();
writeFileSync(`${target}world.js`, atlas);
const { version: atlasVersion } = JSON.parse(read("world-atlas", "package.json"));
table.push(`| \`world.js\` | made by \`world.mjs\` of world-atlas ${atlasVersion} | \`${createHash("sha256").update(atlas).digest("hex")}\` |`);

const licences = [...new Set([...files.map(([name]) => /** @type {string} */ (name)), "world-atlas"])].map((name) => {
  const { version, license } = JSON.parse(read(name, "package.json"));
  const text = read(name, "LICENSE").trim();
  return `## ${name} ${version}\n\nLicence: ${license}. Source: <https://registry.npmjs.org/${name}/-/${name.split("/").pop()}-${version}.tgz>\n\n\`\`\`text\n${text}\n\`\`\`\n`;
});

writeFileSync(
  `${target}VENDORED.md`,
  `# Libraries of the page, kept here as they are

Written by \`browser-tests/vendor.mjs\`; do not edit. From the npm registry, with package names in imports made paths and
references to source maps removed, otherwise unchanged.

| file | from | SHA-256 |
|---|---|---|
${table.join("\n")}

${licences.join("\n")}`,
);
