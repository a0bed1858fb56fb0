/** The npm package, installed from its tarball in an empty folder. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FULL } from "../effort.ts";

/** Maximum time to build and install the package, also where npm has nothing in its cache. */
const INSTALL_MS = 300_000;

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "mcp-tarball-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

/** Runs a command of the installed package, as its users do. */
async function command(...args: string[]): Promise<string> {
  return (await run("npx", ["--no-install", "mcp-proxy-wasm", ...args], { cwd: folder })).stdout;
}

beforeAll(async () => {
  await run("npm", ["run", "--silent", "build:package"]);
  await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]);
  writeFileSync(join(folder, "package.json"), "{}");
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--silent"];
  await run("npm", ["install", ...flags, `./mcp-proxy-wasm-${version}.tgz`], { cwd: folder });
}, INSTALL_MS);

it("has its version, prints manifests and validates them", async () => {
  expect(await command("--version")).toBe(`${version}\n`);
  const envoy = await command("config", "envoy");
  expect(envoy).toBe(readFileSync("envoy/envoy.yaml", "utf8"));
  writeFileSync(join(folder, "envoy.yaml"), envoy);
  expect(await command("validate", "envoy.yaml")).toBe("envoy.yaml: 1 plugin configuration, 0 errors, 0 warnings\n");
  writeFileSync(join(folder, "plugin.json"), '{ "role": "servr" }');
  await expect(command("validate", "plugin.json")).rejects.toMatchObject({ code: 1 });
});

/** The names of commands in a help text. */
function commandsIn(help: string): string[] {
  const [, list = ""] = help.split("\nCommands:\n");
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name).filter((name) => name !== "help");
}

it("explains every command with examples and exit codes", async () => {
  const names = commandsIn(await command("--help"));
  expect(names).toEqual(expect.arrayContaining(["start", "config", "validate", "pins"]));
  // Each takes a second: the commands below others are left to the complete run.
  for (const name of names) {
    const help = await command(name, "--help");
    expect(help).toContain(`$ mcp-proxy-wasm ${name}`);
    expect(help).toContain("Exit codes:");
    if (!FULL) continue;
    for (const inner of commandsIn(help)) {
      expect(await command(name, inner, "--help")).toContain(`$ mcp-proxy-wasm ${name} ${inner}`);
    }
  }
});

it.runIf(FULL)("runs Envoy with the module, and every other command on it", async () => {
  const args = ["--no-install", "mcp-proxy-wasm", "start"];
  const child = spawn("npx", args, { cwd: folder, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  try {
    const proxy = await printedProxy(child.stdout);
    const pins = await command("pins", "--server", proxy);
    writeFileSync(join(folder, "pins.json"), pins);
    expect(await command("pins", "--server", proxy, "--check", "pins.json")).toBe("");
    for (const mesh of ["istio", "kuma", "consul", "envoy-gateway", "envoy"]) {
      const name = mesh === "consul" ? "a.hcl" : "a.yaml";
      writeFileSync(join(folder, name), await command("config", mesh));
      expect(await command("validate", name)).toBe(`${name}: 1 plugin configuration, 0 errors, 0 warnings\n`);
    }
  } finally {
    // To npx and the command, as Ctrl-C in a terminal.
    process.kill(-(child.pid ?? 0), "SIGINT");
    await ended;
  }
});

/** The address of the proxy, once `start` has printed all addresses. */
function printedProxy(output: Readable): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    output.on("end", () => reject(new Error(`start has ended: ${text}`)));
    output.on("data", (chunk) => {
      text += String(chunk);
      const [, proxy] = /proxy +(http:\S+)[^]*stats\/prometheus/.exec(text) ?? [];
      if (proxy !== undefined) resolve(proxy);
    });
  });
}
