/**
 * The filter state that the filter sets with `limits` is text for Envoy's own filters, which authorize, route and log
 * by it.
 */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { type CountingServer, startCountingServer } from "./counting-server.ts";

const HTTP = "type.googleapis.com/envoy.extensions.filters.http";

interface Bootstrap {
  static_resources: { listeners: [{ filter_chains: [{ filters: [{ typed_config: Manager }] }] }] };
}

interface Manager {
  http_filters: { name: string; typed_config: object }[];
  access_log: [{ typed_config: { log_format: { json_format: object; formatters?: object[] } } }];
}

interface Plugin {
  configuration: { value: string };
  allow_on_headers_stop_iteration?: boolean;
}

const BUFFER = {
  name: "envoy.filters.http.buffer",
  typed_config: { "@type": `${HTTP}.buffer.v3.Buffer`, max_request_bytes: 1 << 20 },
};

/** The filters of docs/global-limits.md: headers for the server, and an allow list. */
const [HEADERS, AUTHORIZE] = yamlsOf(readFileSync("docs/global-limits.md", "utf8"));

function yamlsOf(page: string): Manager["http_filters"] {
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)];
  expect(blocks).toHaveLength(2);
  return blocks.flatMap(([, text]) => parse(text) as Manager["http_filters"]);
}

/** A server's list of tools, and other headers that a client chooses. */
const LIST = mcp.request(1, "tools/list");
const FORGED = {
  "x-mcp-method": "initialize",
  "x-mcp-tool": "search",
  "x-mcp-principal": "spiffe://mesh.example/admin",
};

describe.each([
  ["headers held", true],
  ["headers that go on, and the buffer filter", false],
])("%s", (_, holdsHeaders) => {
  const keep = endsAfterAll();
  let server: CountingServer;
  let envoy: Envoy;

  beforeAll(async () => {
    server = keep(await startCountingServer("hello"));
    envoy = keep(await startEnvoy({ upstream: server, vary }));
    expect((await send(LIST)).status).toBe(200);
  });

  function vary(text: string): string {
    const bootstrap = JSON.parse(text) as Bootstrap;
    const manager = bootstrap.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
    const { config: plugin } = manager.http_filters[0].typed_config as { config: Plugin };
    const config = { match: { paths: ["/mcp"] }, hold: { headers: holdsHeaders }, limits: {}, logFields: true };
    plugin.configuration.value = JSON.stringify(config);
    plugin.allow_on_headers_stop_iteration = holdsHeaders;
    manager.http_filters.splice(1, 0, ...(holdsHeaders ? [] : [BUFFER]), AUTHORIZE, HEADERS);
    const format = manager.access_log[0].typed_config.log_format;
    format.json_format = {
      ...Object.fromEntries(
        ["method", "target", "tool", "server", "principal", "session", "hits", "tokens", "outcome"].map((name) => {
          return [name, `%FILTER_STATE(wasm.mcp.${name}:PLAIN)%`];
        }),
      ),
      is_search: "%CEL(filter_state['wasm.mcp.tool'] == 'search')%",
      status: "%RESPONSE_CODE%",
    };
    const type = "type.googleapis.com/envoy.extensions.formatter.cel.v3.Cel";
    format.formatters = [{ name: "envoy.formatter.cel", typed_config: { "@type": type } }];
    return JSON.stringify(bootstrap);
  }

  async function send(body: string, headers = {}): Promise<Response> {
    const answer = await fetch(`${envoy.proxyUrl}/mcp`, {
      method: "POST",
      headers: { ...mcp.LEGACY, ...headers },
      body,
    });
    await answer.text();
    return answer;
  }

  /** The access-log entries that match `matches`. */
  async function logged(matches: Record<string, unknown>): Promise<Record<string, unknown>[]> {
    const entries = () =>
      envoy
        .log()
        .split("\n")
        .filter((line) => line.startsWith('{"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((entry) => Object.entries(matches).every(([name, value]) => entry[name] === value));
    await expect.poll(entries).not.toEqual([]);
    return entries();
  }

  it("RBAC allows listed tools and methods, and nothing else", async () => {
    const statusOf = async (body: string) => (await send(body, FORGED)).status;
    expect(await statusOf(mcp.toolCall(2, "search"))).toBe(200);
    expect(await statusOf(mcp.toolCall(3, "echo"))).toBe(403);
    expect(await statusOf(mcp.toolCall(3, "search\n"))).toBe(403);
    expect(await statusOf(mcp.request(4, "prompts/get", { name: "search" }))).toBe(403);
    expect(await statusOf(mcp.request(5, "initialize"))).toBe(200);
    // A batch cannot contain what is not listed either.
    expect(await statusOf(`[${mcp.toolCall(6, "search")}]`)).toBe(403);
    expect([...server.calls]).toEqual([["search", 1]]);
  });

  it("headers of it take the place of the client's", async () => {
    await send(mcp.toolCall(2, "search"), FORGED);
    expect(server.headers).toMatchObject({ "x-mcp-tool": "search" });
    expect(server.headers).not.toHaveProperty("x-mcp-principal");
    await send(LIST, FORGED);
    expect(server.headers).not.toHaveProperty("x-mcp-tool");
  });

  it("the access log shows it, and CEL compares it with texts", async () => {
    await send(mcp.toolCall(7, "search"));
    const session = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
    const call = { method: "tools/call", target: "search", tool: "search", hits: "1" };
    expect(await logged({ ...call, status: 200 })).toContainEqual({
      ...{ ...call, server: "mcp_upstream", principal: "", session, outcome: "ok", is_search: "true", status: 200 },
      tokens: expect.stringMatching(/^[1-9]\d*$/) as string,
    });
    await send(`[${mcp.toolCall(8, "search")},${mcp.request(9, "ping")}]`);
    expect(await logged({ method: "_BATCH", hits: "2" })).toContainEqual(
      expect.objectContaining({ target: "", tool: "", is_search: "false", status: 403 }),
    );
    await send(mcp.toolCall(10, "invented"));
    expect(await logged({ target: "invented" })).toContainEqual(
      expect.objectContaining({ method: "tools/call", tool: "_OTHER", is_search: "false", status: 403 }),
    );
  });
});
