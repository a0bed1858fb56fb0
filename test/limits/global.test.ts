/**
 * One allowance for several proxies: Envoys with envoy/raw/global-limits.yaml, Envoy's rate-limit server and a Redis.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type Authority, type Identity, makeAuthority } from "../access/certificates.ts";
import { dispatcherOf, fetchBy } from "../access/tls-client.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { hasRateLimit, type RateLimit, startRateLimit } from "../fixtures/rate-limit.ts";
import { MODULE_PATH } from "../mesh/module.ts";
import { readShipped, readYaml } from "../mesh/shipped.ts";
import { type CountingServer, startCountingServer } from "./counting-server.ts";

/** As in envoy/ratelimit/mcp.yaml. */
const [OF_TOOL, OF_PRINCIPAL] = [60, 120];
const BUDGET = 400;
const HELD = '"hold": { "headers": true },';
const ALLOWED = "allow_on_headers_stop_iteration: true";
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(10);

/** The filters of a connection manager. */
interface Bootstrap {
  static_resources: {
    listeners: [{ filter_chains: [{ filters: [{ typed_config: { http_filters: object[] } }] }] }];
  };
}

const BUFFER = {
  name: "envoy.filters.http.buffer",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
    max_request_bytes: 1 << 20,
  },
};

describe.runIf(hasRateLimit())("two Envoys and a rate-limit server", () => {
  const keep = endsAfterAll();
  const folder = mkdtempSync(join(tmpdir(), "mcp-global-"));
  let mesh: Authority;
  let server: CountingServer;
  let agents = 0;

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(async () => {
    mesh = await makeAuthority("Mesh");
    server = keep(await startCountingServer(TEXT));
    const identity = await mesh.server();
    write("ca.crt", mesh.ca);
    write("server.crt", identity.cert);
    write("server.key", identity.key);
  });

  beforeEach(() => server.reset());

  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

  /** Windows of a year, so that no test reaches the end of one. */
  const startLimits = (budget = 1_000_000) => {
    const config = readShipped("ratelimit/mcp.yaml").replaceAll(/unit: (minute|hour)/g, "unit: year");
    return startRateLimit(config.replace("requests_per_unit: 200000", `requests_per_unit: ${budget}`));
  };

  /** Starts an Envoy with the file; in the mode that holds no headers, with Envoy's buffer filter after ours. */
  async function start(limits: RateLimit, holdsHeaders: boolean): Promise<Envoy> {
    const bootstrap = readYaml<Bootstrap>("raw/global-limits.yaml", {
      "port_value: 9901": "port_value: 0",
      "port_value: 10443": "port_value: 0",
      "port_value: 3001": `port_value: ${server.port}`,
      "port_value: 8081": `port_value: ${limits.port}`,
      // On a busy machine, no request passes because of a timeout.
      "timeout: 0.25s": "timeout: 60s",
      "build/mcp.wasm }": `${MODULE_PATH} }`,
      "/etc/mcp/tls/server.crt": join(folder, "server.crt"),
      "/etc/mcp/tls/server.key": join(folder, "server.key"),
      "/etc/mcp/tls/ca.crt": join(folder, "ca.crt"),
      ...(holdsHeaders ? {} : { [HELD]: "", [ALLOWED]: "allow_on_headers_stop_iteration: false" }),
    });
    const filters = bootstrap.static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters;
    if (!holdsHeaders) filters.splice(1, 0, BUFFER);
    return keep(await startEnvoy({ upstream: server, vary: () => JSON.stringify(bootstrap), concurrency: 2 }));
  }

  /** A new caller: an agent that was not seen before. */
  const newAgent = () => mesh.workload(`spiffe://mesh.example/ns/agents/sa/agent-${++agents}`);

  async function as<T>(identity: Identity, use: (fetch: Fetch) => Promise<T>): Promise<T> {
    const dispatcher = dispatcherOf(mesh.ca, identity);
    try {
      return await use(fetchBy(dispatcher));
    } finally {
      await dispatcher.destroy();
    }
  }

  const urlOf = (envoy: Envoy) => `${envoy.proxyUrl.replace("http:", "https:")}/mcp`;

  /** Sends these bodies to the Envoys in turn. Resolves to the number of those that the server has answered. */
  async function passed(envoys: Envoy[], fetch: Fetch, bodies: string[], headers = {}): Promise<number> {
    const sent = bodies.map(async (body, index) => {
      const url = urlOf(envoys[index % envoys.length]);
      const answer = await fetch(url, { method: "POST", headers: { ...mcp.LEGACY, ...headers }, body });
      const text = await answer.text();
      if (text.includes('"result"')) return 1;
      // For a batch it is Envoy's own answer.
      if (body.startsWith("[")) expect([answer.status, text]).toEqual([429, ""]);
      else expect({ status: answer.status, ...(JSON.parse(text) as object) }).toEqual(limitedAnswer(body, answer));
      return 0;
    });
    return (await Promise.all(sent)).reduce<number>((sum, one) => sum + one, 0);
  }

  /** The filter's answer in place of Envoy's 429. */
  const limitedAnswer = (body: string, { headers }: Response) => {
    const retryAfterSeconds = Number(headers.get("retry-after"));
    expect(retryAfterSeconds).toBeGreaterThan(0);
    return {
      status: 200,
      jsonrpc: "2.0",
      id: (JSON.parse(body) as { id: number }).id,
      error: {
        code: 429,
        message: "Limited: an allowance that is shared with other proxies is used up",
        data: { rule: "_global", retryAfterMs: retryAfterSeconds * 1000, retryAfterSeconds },
      },
    };
  };
  const calls = (count: number, tool: string) => Array.from({ length: count }, (_, id) => mcp.toolCall(id, tool));
  const batches = (count: number, size: number, tool: string) =>
    Array.from({ length: count }, () => `[${calls(size, tool).join(",")}]`);

  describe.each([
    ["headers held", true],
    ["headers that go on, and the buffer filter", false],
  ])("%s", (_, holdsHeaders) => {
    const keep = endsAfterAll();
    let envoys: Envoy[];

    beforeAll(async () => {
      const limits = keep(await startLimits());
      envoys = [await start(limits, holdsHeaders), await start(limits, holdsHeaders)];
      // The filter learns the server's tools from a list.
      await as(await newAgent(), (fetch) => passed(envoys, fetch, Array(8).fill(mcp.request(1, "tools/list"))));
    });

    it("an agent has an allowance for each tool, on both together", async () => {
      await as(await newAgent(), async (fetch) => {
        expect(await passed(envoys, fetch, calls(OF_TOOL + 20, "echo"))).toBe(OF_TOOL);
        expect(server.calls).toEqual(new Map([["echo", OF_TOOL]]));
        expect(await passed(envoys, fetch, calls(3, "search"))).toBe(3);
      });
    });

    it("and one for all tools, whatever they are called", async () => {
      await as(await newAgent(), async (fetch) => {
        const invented = Array.from({ length: OF_PRINCIPAL + 20 }, (_, id) => mcp.toolCall(id, `echo${id}`));
        expect(await passed(envoys, fetch, calls(OF_TOOL, "echo"))).toBe(OF_TOOL);
        expect(await passed(envoys, fetch, invented)).toBeLessThanOrEqual(OF_TOOL);
      });
    });

    it("another agent has its own", async () => {
      await as(await newAgent(), async (fetch) => {
        expect(await passed(envoys, fetch, calls(OF_TOOL, "echo"))).toBe(OF_TOOL);
      });
    });

    it("a batch counts as often as it calls", async () => {
      await as(await newAgent(), async (fetch) => {
        const size = OF_TOOL / 6;
        expect(await passed(envoys, fetch, batches(8, size, "echo"))).toBe(6);
        expect(server.calls).toEqual(new Map([["echo", OF_TOOL]]));
      });
    });

    it("headers of the client change nothing", async () => {
      await as(await newAgent(), async (fetch) => {
        const forged = Array.from({ length: OF_TOOL + 4 }, (_, id) => ({
          ...{ "wasm.mcp.tool": `t${id}`, "mcp-name": `t${id}`, "mcp-method": "tools/list" },
          ...{ "x-forwarded-client-cert": `URI=spiffe://mesh.example/${id}`, "mcp.hits": "0" },
        }));
        const sent = forged.map((headers) => passed(envoys, fetch, [mcp.toolCall(1, "echo")], headers));
        expect((await Promise.all(sent)).reduce((sum, one) => sum + one)).toBe(OF_TOOL);
      });
    });

    it("an agent without an allowance shakes hands, lists and notifies, and its client goes on", async () => {
      await as(await newAgent(), async (fetch) => {
        await passed(envoys, fetch, calls(OF_TOOL + 1, "echo"));
        const client = await connectClient("sdk1", urlOf(envoys[0]), "sdk1", fetch);
        expect(await client.listTools()).toEqual(["echo", "search"]);
        await expect(client.callTool("echo")).rejects.toMatchObject({ code: 429, data: { rule: "_global" } });
        await client.callTool("search");
        await client.close();
      });
    });
  });

  it("a budget of tokens, charged once an answer is measured, ends for all Envoys", async () => {
    const limits = keep(await startLimits(BUDGET));
    const envoys = await Promise.all(Array.from({ length: effort(1, 2) }, () => start(limits, true)));
    await as(await newAgent(), async (fetch) => {
      const once = async () => (await passed(envoys.slice(0, 1), fetch, [mcp.toolCall(1, "echo")])) === 1;
      let count = 0;
      while (await once()) expect(++count).toBeLessThan(OF_TOOL / 2);
      // Each costs about 100 tokens.
      expect(count).toBeGreaterThan(2);
      for (const envoy of envoys) expect(await passed([envoy], fetch, [mcp.toolCall(1, "search")])).toBe(0);
    });
    await as(await newAgent(), async (fetch) => {
      expect(await passed(envoys, fetch, calls(envoys.length, "echo"))).toBe(envoys.length);
    });
  });

  it("while the server is down, calls pass", async () => {
    const limits = await startLimits();
    const envoy = await start(limits, true);
    await limits.stop();
    await as(await newAgent(), async (fetch) => {
      expect(await passed([envoy], fetch, calls(OF_TOOL + 20, "echo"))).toBe(OF_TOOL + 20);
    });
  });

  it("a key of its configuration cannot be misspelt", async () => {
    const config = readShipped("ratelimit/mcp.yaml").replace("requests_per_unit", "requests_per_units");
    await expect(startRateLimit(config)).rejects.toThrow("unknown key 'requests_per_units'");
  });
});
