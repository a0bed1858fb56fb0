/** Python's clients see through Envoy what they see without it, and what they do is counted. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import {
  hasPython,
  type PythonServer,
  type PythonSet,
  runPythonClient,
  startPythonServer,
} from "../fixtures/python.ts";
import { endsAfterAll } from "./cleanup.ts";
import { expectCounted } from "./counted.ts";
import * as mcp from "./mcp-messages.ts";
import { exchange } from "./raw-http.ts";

const INSTALL_MS = 600_000;

const canRun = await hasPython();
if (!canRun) {
  const missing = "Python 3.10 or newer, with venv and pip, is missing";
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: Python's clients and servers (${missing})`);
}

/** What test/fixtures/python/steps.py prints. */
interface Report {
  seen: unknown[];
  progress: unknown[];
}

const HANDSHAKE = ["initialize ok", "client_to_server notifications/initialized"];
const PROGRESS = Array<string>(3).fill("server_to_client notifications/progress");
/** What steps.py does, in its order; the codes are the servers' own. */
const steps = (unknownResource: string, unknownPrompt: string) => [
  "tools/list ok",
  "tools/call add ok",
  "tools/call charge_card tool_error",
  "tools/call _OTHER tool_error",
  "tools/call search_docs ok",
  ...PROGRESS,
  "tools/call export_report ok",
  "resources/list ok",
  "resources/read ok",
  `resources/read rpc_error ${unknownResource}`,
  "prompts/list ok",
  "prompts/get summarize ok",
  `prompts/get _OTHER rpc_error ${unknownPrompt}`,
];

const PAIRS: { name: string; server: PythonSet; client: PythonSet; counted: string[] }[] = [
  {
    name: "mcp 1.x",
    server: "mcp1",
    client: "mcp1",
    // With sessions, mcp answers with code 0 where a function of the server raised an error without one.
    counted: [...HANDSHAKE, ...steps("_OTHER", "_OTHER")],
  },
  {
    name: "mcp 2.x, of 2026-07-28",
    server: "mcp2",
    client: "mcp2",
    counted: ["server/discover ok", ...steps("-32602", "-32603")],
  },
  {
    name: "mcp 2.x, which falls back to a server of mcp 1.x",
    server: "mcp1",
    client: "mcp2",
    // The server refuses the probe with a JSON-RPC error under an id of its own ("server-error").
    counted: ["server/discover rpc_error -32600", ...HANDSHAKE, ...steps("_OTHER", "_OTHER")],
  },
  {
    name: "mcp 1.x, with a server of mcp 2.x",
    server: "mcp2",
    client: "mcp1",
    counted: [...HANDSHAKE, ...steps("-32602", "_OTHER")],
  },
  {
    name: "fastmcp",
    server: "fastmcp",
    client: "fastmcp",
    counted: ["server/discover ok", ...steps("-32602", "-32602")],
  },
];

describe.runIf(canRun)("Python", () => {
  const keep = endsAfterAll();
  const servers = new Map<PythonSet, PythonServer>();
  let sse: PythonServer;

  beforeAll(async () => {
    for (const set of ["mcp1", "mcp2", "fastmcp"] as const) {
      servers.set(set, keep(await startPythonServer(set)));
    }
    sse = keep(await startPythonServer("mcp1", "sse"));
  }, INSTALL_MS);

  describe.each(PAIRS)("over Streamable HTTP: $name", ({ server, client, counted }) => {
    const keep = endsAfterAll();

    it("the client sees what it sees without Envoy, and what it did is counted", async () => {
      const upstream = servers.get(server)!;
      const envoy = keep(await startEnvoy({ upstream }));
      await expectSame(client, `${originOf(upstream)}/mcp`, `${envoy.proxyUrl}/mcp`);
      await expectCounted(envoy, counted);
    });
  });

  describe("over HTTP+SSE: mcp 1.x", () => {
    const keep = endsAfterAll();
    let envoy: Envoy;

    it("the client sees what it sees without Envoy", async () => {
      envoy = keep(await startEnvoy({ upstream: sse }));
      await expectSame("mcp1", `${originOf(sse)}/sse`, `${envoy.proxyUrl}/sse`, "sse");
    });

    it("what it did is counted", async () => {
      await expectCounted(envoy, [...HANDSHAKE, ...steps("_OTHER", "_OTHER")]);
    });
  });

  describe("the servers write what TypeScript's do not, and the answer is counted", () => {
    const keep = endsAfterAll();
    const call = mcp.request(1, "tools/call", {
      name: "search_docs",
      arguments: { query: "x" },
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    });

    it.each([
      ["mcp1", (url: string) => sessionHeaders(url), ["initialize ok", "tools/call search_docs ok"]],
      [
        "mcp2",
        () => ({ ...mcp.MODERN, "mcp-method": "tools/call", "mcp-name": "search_docs" }),
        ["tools/call search_docs ok"],
      ],
    ] as const)("%s: CRLF, and comments while nothing is to say", async (set, headersFor, counted) => {
      const envoy = keep(await startEnvoy({ upstream: servers.get(set)! }));
      const url = `${envoy.proxyUrl}/mcp`;
      const { status, body } = await exchange(url, { headers: await headersFor(url), body: [call] });
      expect(status).toBe(200);
      expect(String(body)).toMatch(
        /^(: ping[^\r\n]*\r\n\r\n)+event: message\r\ndata: \{[^\r\n]*3 pages about x[^\r\n]*\}\r\n\r\n$/,
      );
      await expectCounted(envoy, counted);
    });
  });
});

function originOf({ host, port }: PythonServer): string {
  return `http://${host}:${port}`;
}

/** Runs a client against both URLs. */
async function expectSame(client: PythonSet, direct: string, proxied: string, ...args: string[]): Promise<void> {
  const expected = (await runPythonClient(client, direct, ...args)) as Report;
  expect(expected.progress).toHaveLength(PROGRESS.length);
  expect(JSON.stringify(expected.seen)).toContain("3 pages about Tromsø ☃");
  expect(await runPythonClient(client, proxied, ...args)).toEqual(expected);
}

/** The headers of a session that is begun here. */
async function sessionHeaders(url: string): Promise<Record<string, string>> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  const { rawHeaders } = await exchange(url, { headers: mcp.LEGACY, body: [mcp.request(0, "initialize", params)] });
  const at = rawHeaders.findIndex((name) => name.toLowerCase() === "mcp-session-id");
  return { ...mcp.LEGACY, "mcp-session-id": rawHeaders[at + 1] };
}
