/** `tap` as a process, with logs that are written by hand. */
import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { TapOptions } from "../../scripts/tap/command.ts";
import { isWanted } from "../../scripts/tap/filter.ts";
import { messageOf } from "../../scripts/tap/message.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-tap-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A line of the access log of envoy.yaml. */
function entry(fields: Record<string, unknown>): string {
  const missing = { mcp_target: null, mcp_principal: null, mcp_rule: null, mcp_limit: null, mcp_wait_ms: null };
  const known = {
    start_time: "2026-12-01T15:40:41.805Z",
    upstream_cluster: "shop",
    bytes_received: 100,
    bytes_sent: 2048,
  };
  return `${JSON.stringify({ ...known, ...missing, mcp_method: "tools/call", mcp_outcome: "ok", mcp_duration_ms: "29", ...fields })}\n`;
}

const LOG = [
  entry({ mcp_target: "search", mcp_principal: "alice", mcp_session: "5a1f", mcp_tokens: "1577", mcp_rule: "readers" }),
  entry({ mcp_target: "pay", mcp_principal: "bob", mcp_outcome: "denied", mcp_rule: "_default", mcp_duration_ms: "1" }),
  entry({ mcp_target: "pay", mcp_outcome: "limited", mcp_limit: "loops", mcp_session: "77" }),
  entry({ mcp_target: "slow", mcp_limit: "tried", mcp_wait_ms: "1200", mcp_duration_ms: "2500" }),
  entry({ mcp_method: "notifications/initialized", mcp_outcome: null, mcp_duration_ms: null, duration_ms: 3 }),
  "[2026-12-01 15:40:41.000][12][warning][wasm] not JSON {at all\n",
  `[12][info] wasm log mcp: {"event":"mcp_operation_ended","time":"2026-12-01T09:12:45.120Z","session":"5a1f","method":"tools/call","target":"echo","direction":"client_to_server","outcome":"ok","duration_ms":250,"tokens":31}\n`,
  `{"start_time":"x","method":"GET","mcp_method":null,"mcp_outcome":null,"mcp_session":null,"mcp_rule":"-"}\n`,
].join("");

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A running `tap`. */
function start(...args: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", "scripts/cli.ts", "tap", ...args]);
  const run: Run = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (run.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (run.stderr += chunk.toString()));
  const ended = new Promise<Run>((resolve) => child.once("close", (code) => resolve({ ...run, code })));
  return { child, run, ended };
}

function tap(input: string | Buffer, ...args: string[]): Promise<Run> {
  const { child, ended } = start(...args);
  child.stdin.on("error", () => {}).end(input);
  return ended;
}

describe("tap", () => {
  it("prints one line for each message, and counts what it skips", async () => {
    const { code, stdout, stderr } = await tap(LOG);
    expect(code).toBe(0);
    expect(`\n${stdout}`).toMatchInlineSnapshot(`
      "
      15:40:41.805  ok                 29 ms  tools/call search                         shop                  alice                 1.6k tokens  100 B in  2.0 KiB out        passed by readers
      15:40:41.805  denied            1.0 ms  tools/call pay                            shop                  bob                   – tokens  100 B in  2.0 KiB out           denied by _default
      15:40:41.805  limited            29 ms  tools/call pay                            shop                  77                    – tokens  100 B in  2.0 KiB out           limited by loops
      15:40:41.805  ok                 2.5 s  tools/call slow                           shop                  –                     – tokens  100 B in  2.0 KiB out           would be limited by tried, waited 1.2 s
      15:40:41.805  –                 3.0 ms  notifications/initialized                 shop                  –                     – tokens  100 B in  2.0 KiB out
      09:12:45.120  ok                250 ms  tools/call echo                           –                     5a1f                  31 tokens  – in  – out
      "
    `);
    expect(stderr).toBe("6 of 6 messages; skipped 1 line about other requests and 1 line without JSON\n");
  });

  it.each<[wanted: Partial<TapOptions>, count: number]>([
    [{ tool: ["pay"] }, 2],
    [{ tool: ["pay", "slow"] }, 3],
    [{ caller: ["alice"] }, 1],
    [{ caller: ["5a1f"] }, 2],
    [{ outcome: ["denied", "limited"] }, 2],
    [{ server: ["shop"] }, 5],
    [{ server: ["bank"] }, 0],
    [{ slower: 500 }, 1],
    [{ slower: 200 }, 2],
    [
      {
        not: [
          { field: "tool", value: "pay" },
          { field: "method", value: "notifications/initialized" },
        ],
      },
      3,
    ],
    [{ not: [{ field: "rule", value: "readers" }] }, 5],
  ])("wants with %j %i messages", (wanted, count) => {
    const messages = LOG.split("\n")
      .map(messageOf)
      .filter((message) => typeof message === "object");
    expect(messages.filter((message) => isWanted(message, wanted))).toHaveLength(count);
  });

  it("shows the messages that all options allow", async () => {
    const options = ["--tool", "pay", "--tool", "slow", "--slower", "0.02s", "--not", "outcome=limited"];
    const { code, stdout } = await tap(LOG, "-o", "json", ...options);
    expect([code, stdout.match(/"tool":"\w+"/g)]).toEqual([0, ['"tool":"slow"']]);
  });

  it.each([
    [["--slower", "fast"], /must look like 500ms or 2s/],
    [["--not", "color=red"], /FIELD=VALUE; fields are server, caller/],
    [["--follow"], /--follow needs a file/],
    [["missing.log"], /missing\.log cannot be read \(ENOENT\)/],
    [["missing.log", "-f"], /missing\.log cannot be read \(ENOENT\)/],
    [["-o", "xml"], /Allowed choices are text, json/],
  ])("says of %j in one sentence what is wrong", async (args, sentence) => {
    const { code, stdout, stderr } = await tap("", ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("reads past endless lines, and the last line without its end", async () => {
    const endless = Buffer.alloc(50 * 1024 * 1024, "x");
    const input = Buffer.concat([endless, Buffer.from(`\n${entry({ mcp_target: "after" }).trimEnd()}`)]);
    const { stdout, stderr } = await tap(input);
    expect(stdout).toContain("after");
    expect(stderr).toMatch(/^1 of 1 messages; skipped 1 line without JSON/);
  });

  it("says why a log has no messages", async () => {
    const { code, stderr } = await tap('{"method":"GET"}\n');
    expect(code).toBe(0);
    expect(stderr).toMatch(/"logFields": true/);
  });

  it("ends quietly when the reader of its output does", async () => {
    const { child, run, ended } = start();
    child.stdin.on("error", () => {});
    child.stdout.destroy();
    child.stdin.end(LOG.repeat(1000));
    expect((await ended).code).toBe(0);
    expect(run.stderr).not.toMatch(/EPIPE|Error/);
  });

  it("follows a file that grows, is rotated and is cut", async () => {
    const path = join(folder, "access.log");
    writeFileSync(path, entry({ mcp_target: "first" }));
    const { child, run, ended } = start(path, "-f", "-o", "json");
    const tools = () => [...run.stdout.matchAll(/"tool":"(\w+)"/g)].map(([, tool]) => tool);
    const shown = (...names: string[]) => expect.poll(tools, { timeout: 10_000 }).toEqual(names);
    await shown("first");
    const [begun, rest] = [entry({ mcp_target: "second" }).slice(0, 30), entry({ mcp_target: "second" }).slice(30)];
    appendFileSync(path, begun);
    await new Promise((resolve) => setTimeout(resolve, 500));
    appendFileSync(path, rest);
    await shown("first", "second");
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, entry({ mcp_target: "third" }));
    await shown("first", "second", "third");
    writeFileSync(path, entry({ mcp_target: "fourth" }));
    await shown("first", "second", "third", "fourth");
    truncateSync(path);
    await new Promise((resolve) => setTimeout(resolve, 500));
    appendFileSync(path, entry({ mcp_target: "fifth" }));
    await shown("first", "second", "third", "fourth", "fifth");
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
    expect(run.stderr).toBe("5 of 5 messages\n");
  });
});
