// A whole Kizashi over real logs of other people's honeypots, where these are at hand: imported into a store of its own, which goes at the end.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root, target } from "./browser.mjs";

/** Where the logs are, beside the sources; they are no part of these. */
const logs = process.env.KIZASHI_SHARED_DATA ?? `${root}../shared/data`;
/** What is imported: several programs' logs, of several sensors and years. */
const FILES = ["cowrie-2018-05.json.gz", "cowrie.json", "heralding_sample.json", "opencanary_sample.json", "elasticpot_sample.json"];

/** Those of them that are there. */
export const found = FILES.map((name) => join(logs, name)).filter((path) => existsSync(path));

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => done(port));
    });
  });

/** Imports the logs and serves the dashboard over them. @returns {Promise<import("./browser.mjs").Dashboard>} */
export async function startImported() {
  execFileSync("cargo", ["build", "--quiet", "--workspace", "--bin", "kizashi"], { cwd: root, stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "kizashi-imported-"));
  // Whom root becomes must get through to the data.
  chmodSync(folder, 0o755);
  const program = `${target}/debug/kizashi`;
  for (const file of found) execFileSync(program, ["import", "--data", "data", file], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const off = ["http", "https", "ssh", "telnet", "elasticsearch", "any_tcp", "any_udp"].map((name) => `${name} = ""`).join("\n");
  const dashboard = `[dashboard]\naddress = "127.0.0.1:${await freePort()}"\n`;
  writeFileSync(join(folder, "kizashi.toml"), `[capture]\nenabled = false\n${dashboard}[traps]\naddress = "127.0.0.1"\n${off}\n`);
  const up = spawn(program, ["up", "--data", "data"], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  const stop = () => {
    up.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    up.kill();
  };
  let url = "";
  for await (const line of createInterface({ input: up.stdout })) {
    url = line.match(/^dashboard (\S+)$/)?.[1] ?? url;
    if (line === "ready" && url !== "") return { url, stop };
  }
  stop();
  throw new Error("kizashi up ended without an address");
}
