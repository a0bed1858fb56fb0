/**
 * Official clients are limited, wait, and call again. docs/shaping.md shows how each of them treats each form of
 * answer. With MCP_WRITE_TABLES=1 the test writes the page's table instead of comparing it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type ClientKind, connectClient } from "../../scripts/demo/client.ts";
import { hasPython, runLimitedPythonClient, startPythonServer } from "../fixtures/python.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { expectTable } from "../tables.ts";

const INSTALL_MS = 600_000;

/** One call is admitted per period. */
const RATE = { amount: 1, per: "3s" };
const WAIT_MS = 3500;
const MAX_CALLS = 20;

const FORMS = ["error", "result", "status"] as const;
type Form = (typeof FORMS)[number];

/** The tools limited with each form: of our server, and of Python's. */
const TOOLS: Record<Form, { ours: [string, object]; python: [string, object] }> = {
  error: { ours: ["get_weather", { city: "Oslo" }], python: ["add", { a: 1, b: 2 }] },
  result: { ours: ["search_docs", { query: "x" }], python: ["search_docs", { query: "x" }] },
  status: { ours: ["read_log", { bytes: 10 }], python: ["export_report", { steps: 1 }] },
};

const CONFIGURATION = {
  match: { paths: ["/mcp", "/messages/", "/sse"] },
  limits: {
    rules: FORMS.map((form) => {
      const { ours, python } = TOOLS[form];
      const to = [{ operation: { tools: [...new Set([ours[0], python[0]])] } }];
      return { name: `by-${form}`, to, key: ["tool"], requests: RATE, denial: { form } };
    }),
  },
};

/** The result of a call: a text, which a model reads; or the client's exception, with its code. */
type Seen = { text: string; isError: boolean } | { raised: string; code?: unknown };

/** The limited call, and the one after the wait; null if the session was over before it. */
interface Report {
  limited: Seen | null;
  after: Seen | null;
  /** The error that ended the client's session. */
  ended?: string;
}

type Upstream = "ours" | "python" | "sse";

interface Client {
  name: string;
  era: string;
  upstream: Upstream;
  run: (url: string, tool: string, args: object) => Promise<Report>;
}

const canRun = await hasPython();
if (!canRun) {
  const missing = "Python 3.10 or newer, with venv and pip, is missing";
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: limited clients (${missing})`);
}

function typescript(kind: ClientKind): Client["run"] {
  return async (url, tool, args) => {
    const client = await connectClient(kind, url);
    const attempt = (): Promise<Seen> =>
      client
        .readTool(tool, { ...args })
        .catch(({ name, code }: Error & { code?: unknown }) => ({ raised: name, code }));
    let limited = await attempt();
    for (let calls = 1; calls < MAX_CALLS && !isLimited(limited); calls++) limited = await attempt();
    await sleep(WAIT_MS);
    const after = await attempt();
    await client.close();
    return { limited, after };
  };
}

function python(set: "mcp1" | "mcp2", transport = "http"): Client["run"] {
  return async (url, tool, args) => {
    const rest = [tool, JSON.stringify(args), String(WAIT_MS / 1000)];
    return (await runLimitedPythonClient(set, url, transport, ...rest)) as Report;
  };
}

const HTTP_SSE = "HTTP+SSE";
const CLIENTS: Client[] = [
  { name: "TypeScript SDK 1.x", era: "sessions", upstream: "ours", run: typescript("sdk1") },
  { name: "TypeScript SDK 2.x", era: "sessions", upstream: "ours", run: typescript("sdk2-legacy") },
  { name: "TypeScript SDK 2.x", era: "2026-07-28", upstream: "ours", run: typescript("sdk2-modern") },
  { name: "Python `mcp` 1.x", era: "sessions", upstream: "ours", run: python("mcp1") },
  { name: "Python `mcp` 2.x", era: "sessions", upstream: "python", run: python("mcp2") },
  { name: "Python `mcp` 2.x", era: "2026-07-28", upstream: "ours", run: python("mcp2") },
  { name: "TypeScript SDK 1.x", era: HTTP_SSE, upstream: "sse", run: typescript("sdk1-sse") },
  { name: "Python `mcp` 1.x", era: HTTP_SSE, upstream: "sse", run: python("mcp1", "sse") },
];

function isLimited(seen: Seen): boolean {
  return "raised" in seen || seen.isError;
}

function goesOn({ after }: Report): boolean {
  return after !== null && !isLimited(after);
}

/** A cell of the table. */
function describeReport(report: Report): string {
  const { limited, ended } = report;
  const end = goesOn(report) ? "goes on" : "**loses the session**";
  if (limited === null) return `ends with \`${ended}\`: ${end}`;
  if (!("raised" in limited)) return `the model reads the text; ${end}`;
  const code = typeof limited.code === "number" ? ` with ${limited.code}` : "";
  return `raises \`${limited.raised}\`${code}; ${end}`;
}

describe.runIf(canRun)("clients that are limited", () => {
  const keep = endsAfterAll();
  const envoys = new Map<Upstream, Envoy>();
  const rows: string[][] = [];

  beforeAll(async () => {
    const upstreams = {
      ours: keep(await startFixtureServer()),
      python: keep(await startPythonServer("mcp1")),
      sse: keep(await startPythonServer("mcp1", "sse")),
    };
    for (const [name, upstream] of Object.entries(upstreams)) {
      const envoy = keep(await startEnvoy({ upstream, pluginConfig: JSON.stringify(CONFIGURATION) }));
      envoys.set(name as Upstream, envoy);
    }
  }, INSTALL_MS);

  it.each(CLIENTS)("$name, $era", async ({ name, era, upstream, run }) => {
    const path = upstream === "sse" ? "/sse" : "/mcp";
    const reports = await Promise.all(
      FORMS.map((form) => {
        const [tool, args] = TOOLS[form][upstream === "ours" ? "ours" : "python"];
        return run(envoys.get(upstream)!.proxyUrl + path, tool, args);
      }),
    );
    rows.push([name, era, ...reports.map(describeReport)]);
    const [error, result, status] = reports;
    expect(error).toMatchObject({ limited: { code: 429 }, after: { isError: false } });
    if (era === HTTP_SSE) {
      for (const other of [result, status])
        expect(other).toMatchObject({ limited: error.limited, after: { isError: false } });
      return;
    }
    expect(result).toMatchObject({ limited: { isError: true }, after: { isError: false } });
    const { text } = result.limited as { text: string };
    expect(text).toMatch(
      /^This call was not run, since its limit is reached: .*; wait \d seconds? before you try again\.$/,
    );
  });

  it("docs/shaping.md shows what they do", () => {
    expectTable("docs/shaping.md", "clients", ["client", "transport", ...FORMS.map((form) => `\`"${form}"\``)], rows);
  });
});
