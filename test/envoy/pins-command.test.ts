/** `npm run pins` against running servers: what it prints, what it checks, and that the filter computes the same pins. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, runCli } from "../cli/run-cli.ts";
import { hasComponent } from "../components.ts";
import { startEverythingServer } from "../../scripts/demo/servers/everything.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { listen } from "../../scripts/demo/servers/eras.ts";
import { pinOf } from "../../scripts/pins/pin.ts";
import { listTools } from "../../scripts/pins/server.ts";
import { startGuarded } from "../host/filter/access.ts";
import { MCP_HEADERS, countsBy, request, result } from "../host/filter/filter.ts";
import { exchange } from "../../scripts/host/index.ts";
import { endsAfterAll } from "./cleanup.ts";
import { freePort } from "./sessions/free-port.ts";

/** Runs the command. */
const pins = (...args: string[]) => runCli(["pins", ...args]);

interface Printed {
  access: { pins: [{ servers?: string[]; mode: string; tools: Record<string, string> }] };
}

const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-pins-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with this content. */
function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const keep = endsAfterAll();
let fixture: FixtureServer;
let endpoint: string;

beforeAll(async () => {
  fixture = keep(await startFixtureServer());
  endpoint = `http://127.0.0.1:${fixture.port}/mcp-paged`;
});

/** What the filter says of these definitions with these pins: nothing where all are the pinned ones. */
function mismatchesOf(definitions: readonly object[], tools: Record<string, string>): Record<string, number> {
  const plugin = startGuarded({ defaultAction: "ALLOW", pins: [{ tools }] });
  const body = result({ tools: definitions });
  exchange(plugin, { request: { headers: MCP_HEADERS, body: request("tools/list") }, response: { body } });
  return countsBy(plugin, "mcp_tool_pin_mismatches_total", "gen_ai_tool_name", "mcp_withheld_reason");
}

describe("printing", () => {
  it.each<[string, () => Promise<{ url: string }>]>([
    ["our server, two tools a page", () => Promise.resolve({ url: endpoint })],
    ["server-everything", async () => ({ url: `http://127.0.0.1:${keep(await startEverythingServer()).port}/mcp` })],
    [
      "server-everything over HTTP+SSE",
      async () => ({ url: `http://127.0.0.1:${keep(await startEverythingServer("sse")).port}/sse` }),
    ],
  ])("has the pins of %s, as the filter computes them", async (_, start) => {
    const { url } = await start();
    const { code, stdout, stderr } = await pins("--server", url, "--name", "weather");
    expect(code, stderr).toBe(0);
    const [entry, ...others] = (JSON.parse(stdout) as Printed).access.pins;
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ servers: ["weather"], mode: "observe" });
    const definitions = await listTools(new URL(url), {});
    expect(definitions.length).toBeGreaterThan(3);
    expect(Object.keys(entry.tools)).toEqual(definitions.map(({ name }) => name));
    expect(mismatchesOf(definitions, entry.tools)).toEqual({});
    const changed = definitions.map((definition) => ({ ...definition, title: "Another" }));
    expect(Object.keys(mismatchesOf(changed, entry.tools))).toEqual(definitions.map(({ name }) => `${name} changed`));
  });

  it("shows on standard error what it saw, in one line each", async () => {
    const { stderr, stdout } = await pins("--server", endpoint);
    for (const { name, description } of await listTools(new URL(endpoint), {})) {
      expect(stderr.split("\n")).toContain(name);
      if (typeof description === "string") expect(stderr).toContain(`    ${description.slice(0, 60)}`);
    }
    expect((JSON.parse(stdout) as Printed).access.pins[0].servers).toBeUndefined();
  });

  it("leaves out what cannot be pinned, and keeps the terminal out of the server's reach", async () => {
    const listed = [
      { name: "good", description: `\u001b[2Jfirst\nsecond\u202e${"x".repeat(200)}` },
      { name: "half", description: "\ud800" },
      { name: "large", description: "x".repeat(70_000) },
      { name: "twice", description: "one" },
      { name: "twice", description: "other" },
    ];
    const server = keep(await startListing(listed));
    const { code, stdout, stderr } = await pins("--server", `http://127.0.0.1:${server.port}/mcp`);
    expect(code).toBe(2);
    expect(Object.keys((JSON.parse(stdout) as Printed).access.pins[0].tools)).toEqual(["good", "twice"]);
    expect(stderr).toContain("half cannot be pinned");
    expect(stderr).toContain("large cannot be pinned");
    expect(stderr).toContain("twice is listed twice, with two definitions");
    expect(stderr).toContain(`    [2Jfirst second ${"x".repeat(84)}…`);
    expect(stderr).not.toContain("\u001b");
  });

  it("shows the server's own error on one line, without control characters", async () => {
    const server = keep(await startListing(undefined, undefined, "\u001b[2Jno\ntools\u202e"));
    const { port } = server;
    const good = file("error.json", { tool: "0".repeat(64) });
    const { code, stdout, stderr } = await pins("--server", `http://127.0.0.1:${port}/mcp?key=secret`, "--check", good);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("\\u{1b}[2Jno\\u{a}tools\\u{202e}");
    expect(stderr).toContain(`No list of tools from 127.0.0.1:${port} (`);
    expect(stderr).not.toContain("secret");
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("shows the beginning of a long error of the server", async () => {
    const server = keep(await startListing(undefined, undefined, "no tools ".repeat(1000)));
    const { stderr } = await pins("--server", `http://127.0.0.1:${server.port}/mcp`);
    expect(stderr).toContain("no tools no tools");
    expect(stderr.length).toBeLessThan(400);
  });

  it("says that no server listens", async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const { stderr } = await pins("--server", `http://${host}/mcp`);
    expect(stderr).toBe(`error: No list of tools from ${host} (ECONNREFUSED).\n`);
  });

  it("sends the headers that it is given", async () => {
    const seen: (string | undefined)[] = [];
    const server = keep(await startListing([{ name: "a" }], (headers) => seen.push(headers.authorization)));
    const url = `http://127.0.0.1:${server.port}/mcp`;
    expect((await pins("--server", url, "--header", "authorization: Bearer a:b", "--header", "x-a: 1")).code).toBe(0);
    expect(new Set(seen)).toEqual(new Set(["Bearer a:b"]));
  });
});

describe("docs/pins.md", () => {
  const page = readFileSync("docs/pins.md", "utf8");
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map((match) => match[1]);
  const definition = JSON.parse(blocks("text")[0]) as { name: string };

  it("shows a definition and its pin", () => {
    const { access } = JSON.parse(blocks("json")[0]) as Printed;
    expect(access.pins[0].tools).toEqual({ get_weather: pinOf(definition) });
  });

  it.runIf(hasComponent("jq", "apt-get install --no-install-recommends jq"))("says how to compute one by hand", () => {
    const recipe = blocks("sh").find((block) => block.startsWith("jq"))!;
    const full = { ...definition, _meta: { a: 1 }, title: 'é \u2028 " / \\ \n\u0001', annotations: { z: 1, a: [15] } };
    for (const each of [definition, full]) {
      file("answer.json", result({ tools: [{ name: "other" }, each] }));
      const output = execFileSync("sh", ["-c", recipe], { cwd: folder, encoding: "utf8" });
      expect(output.split(" ")[0]).toBe(pinOf(each));
    }
  });
});

/** A server that lists these definitions as they are, whatever they are; undefined for an error with this message. */
function startListing(
  tools: readonly object[] | undefined,
  see: (headers: Record<string, string | undefined>) => void = () => {},
  message = "Method not found",
): Promise<FixtureServer> {
  return listen((req, res) => {
    see(req.headers as Record<string, string | undefined>);
    if (req.method !== "POST") {
      res.writeHead(405).end();
      return undefined;
    }
    return (_req, _res, body) => {
      const { id, method } = body as { id?: number; method?: string };
      const answers: Record<string, object | undefined> = {
        initialize: {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "l", version: "1" },
        },
        "tools/list": tools && { tools },
      };
      const answer = answers[method ?? ""];
      if (id === undefined) res.writeHead(202).end();
      else {
        const error = { code: -32601, message };
        res.writeHead(200, { "content-type": "application/json" });
        res.end(JSON.stringify({ jsonrpc: "2.0", id, ...(answer === undefined ? { error } : { result: answer }) }));
      }
      return Promise.resolve();
    };
  });
}

describe("checking", () => {
  let printed: Printed;

  beforeAll(async () => {
    printed = JSON.parse((await pins("--server", endpoint, "--name", "weather")).stdout) as Printed;
  });

  const check = (path: string, ...args: string[]) => pins("--server", endpoint, "--check", path, ...args);

  it("finds nothing where nothing has changed, whatever the pins stand in", async () => {
    const [entry] = printed.access.pins;
    const forms = [printed, printed.access, printed.access.pins, entry, entry.tools];
    const runs = await Promise.all(forms.map((form, i) => check(file(`same-${i}.json`, form))));
    for (const { code, stdout, stderr } of runs) expect([code, stdout], stderr).toEqual([0, ""]);
    const other = { servers: ["other"], tools: { x: "0".repeat(64) } };
    const two = file("two.json", { match: { paths: ["/mcp"] }, access: { pins: [other, entry] } });
    expect((await check(two, "--name", "weather")).code).toBe(0);
    expect(await check(two)).toMatchObject({ code: 2, stderr: expect.stringContaining("--name") as string });
    expect((await check(two, "--name", "nobody")).code).toBe(2);
  });

  it("names each tool that is unpinned, changed or missing", async () => {
    const { tools } = printed.access.pins[0];
    const [first, second, ...rest] = Object.keys(tools);
    const changed = { ...tools, [first]: "0".repeat(64), gone: "1".repeat(64) };
    delete changed[second];
    const { code, stdout } = await check(file("changed.json", changed));
    expect(code).toBe(1);
    expect(stdout).toBe(`changed  ${first}\nunpinned ${second}\nmissing  gone\n`);
    expect(rest.length).toBeGreaterThan(0);
  });

  it.each<[string, (good: string) => Promise<Ended>]>([
    ["a file that is not there", () => check("/no/such/file")],
    ["a file without JSON", () => check(file("text.json", "pins"))],
    ["a file without pins", () => check(file("none.json", { access: { rules: [] } }))],
    ["a pin that is none", () => check(file("short.json", { access: { pins: [{ tools: { a: "00" } }] } }))],
    ["a server that is not there", (good) => pins("--server", "http://127.0.0.1:1/mcp", "--check", good)],
    ["an endpoint that is none", (good) => pins("--server", `${endpoint}/no`, "--check", good)],
    ["no server", (good) => pins("--check", good)],
    ["something other than a URL", (good) => pins("--server", "weather", "--check", good)],
    ["a header without a name", (good) => pins("--server", endpoint, "--header", "x", "--check", good)],
  ])("ends with 2 for %s", async (_, run) => {
    const { code, stdout, stderr } = await run(file("good.json", printed));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).not.toBe("");
  });

  it("says what is wrong with the file", async () => {
    const none = file("rules.json", { access: { rules: [] } });
    expect((await check(none)).stderr).toBe(`error: ${none}: it has no pins\n`);
    expect((await check("/no/such/file")).stderr).toBe("error: /no/such/file cannot be read (ENOENT).\n");
  });
});
