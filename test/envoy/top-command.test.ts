/** `top` and `tap` with real Envoys in front of a server whose tools have hostile names. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { runCli } from "../cli/run-cli.ts";
import { hasPrometheus, startPrometheus } from "../prometheus/prometheus.ts";
import { endsAfterAll } from "./cleanup.ts";
import { freePort } from "./sessions/free-port.ts";
import { callStrangers, DANGEROUS, HOSTILE_NAMES, startStrangersServer } from "./strangers.ts";
import { onTerminal } from "./terminal.ts";

const CALLER = "agent\x1b[2J\u202e";
const ENDPOINT = "/mcp";

const run = (...args: string[]) => runCli(args);

interface Rows {
  rows: { server: string; name: string; calls_per_second: number; errors_per_second: number; p50_ms: number | null }[];
}

const keep = endsAfterAll();
const agents = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "mcp-top-"));
const log: string[] = [];
let tagged: Envoy;
let untagged: Envoy;
let calls: Promise<void>[];

/** The bootstrap without stats_tags, as a mesh has it that cannot set them. */
function withoutTags(text: string): string {
  const config = JSON.parse(text) as { stats_config: { stats_tags?: unknown } };
  delete config.stats_config.stats_tags;
  return JSON.stringify(config);
}

beforeAll(async () => {
  const upstream = keep(await startStrangersServer());
  const pluginConfig = JSON.stringify({ server: "strange shop", logFields: true, labels: { caller: "client" } });
  tagged = keep(await startEnvoy({ upstream, pluginConfig, onLine: (line) => log.push(line) }));
  untagged = keep(await startEnvoy({ upstream, pluginConfig, vary: withoutTags }));
  calls = [tagged, untagged].map(({ proxyUrl }) => callStrangers(proxyUrl + ENDPOINT, CALLER, agents.signal));
});

afterAll(async () => {
  agents.abort();
  await Promise.allSettled(calls);
  rmSync(folder, { recursive: true });
});

describe("top", () => {
  it.each([
    ["with tags", () => tagged],
    ["without tags", () => untagged],
  ])("reads an Envoy %s", async (_, envoy) => {
    const { code, stdout, stderr } = await run("top", "--admin", envoy().adminUrl, "--once", "-o", "json");
    expect(code, stderr).toBe(0);
    expect(stdout).not.toMatch(DANGEROUS);
    const { rows } = JSON.parse(stdout) as Rows;
    expect(rows.map(({ name }) => name).sort()).toEqual([...HOSTILE_NAMES, "_OTHER"].sort());
    for (const row of rows) {
      expect(row).toMatchObject({ server: "strange shop" });
      expect(row.calls_per_second).toBeGreaterThan(0);
      expect(row.p50_ms).toBeGreaterThanOrEqual(0);
      expect(row.errors_per_second > 0).toBe(row.name === "_OTHER");
    }
  });

  it.each(["tool", "caller", "server"])("prints one table by %s, without control characters", async (by) => {
    const { code, stdout, stderr } = await run("top", "--admin", tagged.adminUrl, "--once", "--by", by);
    expect(code, stderr).toBe(0);
    expect(stdout).not.toMatch(DANGEROUS);
    expect(stdout).toMatch(/^server .*calls\/s +errors\/s/);
    expect(stdout).toContain("strange shop");
    if (by === "tool") expect(stdout).toContain("<img src=x onerror=alert(1)>");
    if (by === "caller") expect(stdout).toContain("agent%1B");
    expect(Math.max(...stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(120);
  });

  it.each([
    [80, 24],
    [200, 50],
    [60, 8],
  ])("fits a terminal of %i×%i, sorts at a key, and ends at q", async (columns, rows) => {
    const command = `${process.execPath} --import tsx scripts/cli.ts top --interval 1 --admin ${tagged.adminUrl}`;
    const top = keep(onTerminal(command, columns, rows));
    await top.shows(/calls\/s/);
    const [first, head, ...others] = await top.screen();
    expect(first).toMatch(/^sort: c e 5 9 t l f/);
    expect(head).toMatch(/^server +tool .*calls\/s/);
    expect(others.join("\n")).toContain(rows > 10 ? "other tools" : "… and ");
    top.press("s");
    await top.shows(/^strange shop +\d/);
    top.press("q");
    expect(await top.ended).toBe(0);
  });

  it.runIf(hasPrometheus())("reads a Prometheus", { timeout: 60_000 }, async () => {
    const targets = [new URL(tagged.adminUrl).host];
    const prometheus = keep(await startPrometheus("raw", { envoy: [{ targets }] }));
    await expect
      .poll(() => prometheus.query("rate(mcp_operations_total[5m]) > 0"), { timeout: 20_000 })
      .not.toHaveLength(0);
    const { code, stdout, stderr } = await run("top", "--prometheus", prometheus.url, "--once", "-o", "json");
    expect(code, stderr).toBe(0);
    const { rows } = JSON.parse(stdout) as Rows;
    expect(rows.map(({ name }) => name).sort()).toEqual([...HOSTILE_NAMES, "_OTHER"].sort());
    expect(rows.every((row) => row.calls_per_second > 0 && row.p50_ms !== null)).toBe(true);
  });

  it.runIf(hasPrometheus())("says what a Prometheus without labels lacks", { timeout: 60_000 }, async () => {
    const targets = [new URL(untagged.adminUrl).host];
    const prometheus = keep(await startPrometheus("raw", { envoy: [{ targets }] }));
    await expect.poll(() => prometheus.query('{__name__=~"mcp_role___.*"}'), { timeout: 20_000 }).not.toHaveLength(0);
    const { code, stderr } = await run("top", "--prometheus", prometheus.url, "--once");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: .*labels in their names.*relabel\.yaml.*\n$/)]);
  });

  it.each<[what: string, address: () => Promise<string>, sentence: RegExp]>([
    [
      "a free port",
      async () => `http://127.0.0.1:${await freePort()}`,
      /^error: No answer from http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\).*--admin.*\n$/,
    ],
    [
      "the proxy",
      () => Promise.resolve(tagged.proxyUrl),
      /^error: .* is not the admin address of an Envoy: \/stats answers \d+.*\n$/,
    ],
  ])("says in one sentence why it has nothing from %s", async (_, address, sentence) => {
    const { code, stdout, stderr } = await run("top", "--once", "--admin", await address());
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
  });

  it("says that an Envoy has no statistics of MCP", async () => {
    const bare = keep(await startEnvoy({ upstream: { host: "127.0.0.1", port: 1 }, withoutFilter: true }));
    const { code, stderr } = await run("top", "--once", "--admin", bare.adminUrl);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no statistics of MCP: it does not run the filter/)]);
  });
});

describe("tap", () => {
  it("prints the messages of a real log, and neither arguments nor control characters", async () => {
    const hostile = () => log.filter((line) => line.includes("onerror")).length;
    await expect.poll(hostile, { timeout: 30_000 }).toBeGreaterThan(2);
    const path = join(folder, "access.log");
    writeFileSync(path, `${log.join("\n")}\n`);
    const { code, stdout, stderr } = await run("tap", path);
    expect(code, stderr).toBe(0);
    expect(stdout).not.toMatch(DANGEROUS);
    expect(stdout).not.toContain("an argument");
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}ok .* ms {2}tools\/call <img src=x onerror/m);
    expect(stdout).toMatch(/ tools\/call over\\u\{202e\}ride /);
    expect(stderr).toMatch(/^(\d+) of \1 messages/);

    const json = await run("tap", path, "--tool", HOSTILE_NAMES[1], "--outcome", "ok", "-o", "json");
    expect(json.stdout).not.toMatch(DANGEROUS);
    const objects = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(new Set(objects.map(({ tool }) => tool))).toEqual(new Set([HOSTILE_NAMES[1]]));
    expect(objects[0]).toMatchObject({ server: "mcp_upstream", method: "tools/call", outcome: "ok" });

    // A name that is longer than a field is not in the log.
    const failed = await run("tap", path, "--outcome", "tool_error", "-o", "json");
    expect(failed.stdout).toMatch(/"tool":null,"outcome":"tool_error"/);
  });
});
