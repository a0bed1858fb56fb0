/**
 * A client and a server that record spans, and the sidecars of both: everything that they export of an operation is one
 * trace, with the parents that the sidecars' configuration requests.
 */
import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { until } from "../envoy/sessions/until.ts";
import { connectClient } from "../../scripts/demo/client.ts";
import { runTracedPythonClient, startPythonServer } from "../fixtures/python.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { hasReceiver, Receiver } from "./receiver.ts";
import { type Sidecars, startSidecars } from "./sidecars.ts";
import { isChildOf, linksOf, type Span } from "./spans.ts";
import { type AgentOptions, runTracedAgent, startTracedServer } from "./traced-typescript.ts";

const INSTALL_MS = 600_000;
const LEGACY = "2025-11-25";
const MODERN = "2026-07-28";
const SESSION_KEY = "the-key-that-both-proxies-have";

/** A client and a server of one SDK. */
interface Sdk {
  title: string;
  startServer(collector: string): Promise<{ host: string; port: number; close(): Promise<void> }>;
  runAgent(url: string, options: AgentOptions): Promise<unknown>;
  /** The prefix of the operation's name in the client's spans. */
  prefix: string;
  /** The operations that have spans on both sides, in either era. */
  operations: string[];
  /** The server also has spans of the HTTP requests, whose parents are those of the header. */
  hasHttpSpans: boolean;
  /** A tool that asks the client's model while it runs, before 2026-07-28. */
  asking: string;
}

const SDKS: Sdk[] = [
  {
    title: "Python's mcp 2.x with its built-in spans",
    startServer: (collector) => startPythonServer("traced", collector),
    runAgent: runTracedPythonClient,
    prefix: "MCP send ",
    hasHttpSpans: true,
    operations: ["tools/list", "tools/call add", "tools/call charge_card", "tools/call no_such_tool"],
    asking: "tools/call ask_model",
  },
  {
    title: "the TypeScript SDK 2.x with OpenTelemetry's SDK",
    startServer: startTracedServer,
    runAgent: runTracedAgent,
    prefix: "",
    hasHttpSpans: false,
    operations: ["tools/call get_weather", "tools/call charge_card", "tools/call no_such_tool"],
    asking: "tools/call ask_model",
  },
];

type Header = AgentOptions["header"];

/** The context that the sidecars prefer, and the context that the client sends. */
interface Case {
  parent: "meta" | "header";
  revision: string;
  header: Header;
}

const CASES: Case[] = (["meta", "header"] as const).flatMap((parent) =>
  [LEGACY, MODERN].flatMap((revision) =>
    [undefined, "child" as const, "apart" as const].map((header) => ({ parent, revision, header })),
  ),
);

/** Only what the client has sampled is sampled. */
const NOTHING_BUT_PARENTS = { ratio: 0, errors: false };
const EVERYTHING = { ratio: 1, errors: false };

/** OpenTelemetry's SDK for JavaScript has start times in milliseconds. */
const CLOCK_NS = 2_000_000n;

const canRun = effort(false, true) && (await hasReceiver());

describe.runIf(canRun).each(SDKS)("$title", { timeout: INSTALL_MS }, (sdk) => {
  const keep = endsAfterAll();
  let receiver: Receiver;
  let collector: string;
  const sidecars = new Map<string, Sidecars>();

  beforeAll(async () => {
    receiver = keep(await Receiver.start());
    collector = `http://127.0.0.1:${receiver.port}/v1/traces`;
    const server = keep(await sdk.startServer(collector));
    const start = async (trace: object) => keep(await startSidecars(server, receiver, trace));
    sidecars.set("meta", await start({ parent: "meta", sample: NOTHING_BUT_PARENTS }));
    // Otherwise requests without a header would belong to the trace of their session, which is not sampled.
    sidecars.set("header", await start({ parent: "header", sample: NOTHING_BUT_PARENTS, sessions: false }));
    const holding = { match: { paths: ["/mcp"] }, hold: { headers: true }, limits: { rules: [] } };
    const setting = { sample: NOTHING_BUT_PARENTS, setTraceparent: true };
    sidecars.set("setting", keep(await startSidecars(server, receiver, setting, holding)));
    sidecars.set("all", await start({ sample: EVERYTHING, sessionKey: SESSION_KEY }));
  }, INSTALL_MS);

  /** Runs an agent. Resolves to the spans received since, once `isThere` accepts them. */
  const run = async (path: string, options: Omit<AgentOptions, "collector">, isThere: (spans: Span[]) => boolean) => {
    const before = receiver.spans().length;
    const since = () => receiver.spans().slice(before);
    await sdk.runAgent(`${sidecars.get(path)!.url}/mcp`, { collector, ...options });
    await until(() => isThere(since()), "the run's spans").catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(since().map(nameOf))}`);
    });
    return since();
  };

  it.each(CASES)("joins: parent $parent, $revision, the client's header: $header", async (each) => {
    const asked = each.revision === LEGACY ? [sdk.asking] : [];
    const operations = [...sdk.operations, ...asked];
    const isThere = (spans: Span[]) =>
      isWhole(spans, operations, sdk) &&
      spans.filter(({ name }) => name === "sampling/createMessage").length === 2 * asked.length;
    const spans = await run(each.parent, each, isThere);
    const agent = one(spans.filter((span) => serviceOf(span) === "agent" && span.name === "agent"));
    for (const operation of operations) {
      const message = one(find(spans, "agent", operation, sdk));
      expect(isChildOf(message, agent)).toBe(true);
      // A server that asks the client runs its tool again with the response.
      expect(find(spans, "shop", operation, sdk).every((span) => isChildOf(span, message))).toBe(true);
      const [client, server] = ["sidecar-client", "sidecar-server"].map((service) =>
        one(find(spans, service, operation, sdk)),
      );
      expect([client.kind, server.kind]).toEqual(["client", "server"]);
      for (const span of [client, server]) expectContexts(span, message, spans, each);
      expect([client.status, server.status]).toEqual(operation.endsWith("charge_card") ? ERRORS : expect.anything());
      expect(isAround(message, client) && isAround(client, server)).toBe(true);
      if (operation === sdk.asking) expectAsked(spans, client, server);
    }
  });

  it.runIf(sdk.hasHttpSpans).each([
    ["meta", false],
    ["setting", true],
  ])("sidecars of %s: the server's HTTP spans belong to the client's: %s", async (path, isSet) => {
    const posts = (spans: readonly Span[]) => spans.filter(({ name }) => name === "POST /mcp");
    const count = sdk.operations.length;
    const spans = await run(path, { revision: MODERN }, (received) => {
      return posts(received).length === count && isWhole(received, sdk.operations, sdk);
    });
    const messages = sdk.operations.map((operation) => one(find(spans, "agent", operation, sdk)));
    const parents = isSet ? messages.map(({ spanId }) => spanId) : messages.map(() => "");
    expect(
      posts(spans)
        .map(({ parentSpanId }) => parentSpanId)
        .sort(),
    ).toEqual(parents.sort());
  });

  it("exports nothing of a trace that its client has not sampled, but the session", async () => {
    const roots = (spans: Span[]) => spans.filter(({ name }) => name === "MCP session");
    const options = { revision: LEGACY, header: "child" as const, sampled: false };
    const spans = await run("all", options, (received) => roots(received).length === 2);
    // A client of the TypeScript SDK cannot send a context with this one.
    const others = spans.filter(({ name }) => name !== "initialize");
    expect(others.map(nameOf).sort()).toEqual(["sidecar-client: MCP session", "sidecar-server: MCP session"]);
  });
});

describe.runIf(canRun)("a session without any context", () => {
  const keep = endsAfterAll();

  it("is one trace of both sidecars that have the same key", async () => {
    const receiver = keep(await Receiver.start());
    const trace = { sample: EVERYTHING, sessionKey: SESSION_KEY };
    const { url } = keep(await startSidecars(keep(await startFixtureServer()), receiver, trace));
    let session = "";
    const client = await connectClient("sdk2-legacy", `${url}/mcp`, "agent", async (to, init) => {
      const response = await fetch(to, init);
      session = response.headers.get("mcp-session-id") ?? session;
      return response;
    });
    await client.listTools();
    await client.callTool("get_weather", { city: "Oslo" });
    await client.close();
    const roots = () => receiver.spans().filter(({ name }) => name === "MCP session");
    await until(() => roots().length === 2, "both roots");

    const traceId = createHmac("sha256", SESSION_KEY).update(session).digest("hex").slice(0, 32);
    const spans = receiver.spans();
    const root = one(roots().filter((span) => serviceOf(span) === "sidecar-client"));
    const inner = one(roots().filter((span) => serviceOf(span) === "sidecar-server"));
    expect([root.traceId, root.parentSpanId, root.kind]).toEqual([traceId, "", "internal"]);
    expect(isChildOf(inner, root)).toBe(true);
    for (const outer of [root, inner]) {
      const steps = spans.filter((span) => span !== outer && serviceOf(span) === serviceOf(outer));
      const names = steps.filter((span) => isChildOf(span, outer)).map(({ name }) => name);
      expect(names.sort()).toEqual(["initialize", "tools/call get_weather", "tools/list"]);
      expect(steps).toHaveLength(names.length);
      for (const span of [outer, ...steps]) {
        expect(span.attributes["session.id"]).toBe(traceId.slice(0, 16));
        expect(span.attributes["gen_ai.conversation.id"]).toBe(traceId.slice(0, 16));
      }
    }
    expect(
      JSON.stringify(spans, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toContain(session);
  });
});

/** Expects that a server request during a tool call belongs to the call, at either sidecar. */
function expectAsked(spans: readonly Span[], client: Span, server: Span): void {
  const asked = spans.filter(({ name }) => name === "sampling/createMessage");
  expect(asked.map(nameOf).sort()).toEqual([
    "sidecar-client: sampling/createMessage",
    "sidecar-server: sampling/createMessage",
  ]);
  for (const span of asked) {
    const isClients = serviceOf(span) === "sidecar-client";
    expect(span.kind).toBe(isClients ? "server" : "client");
    expect(isChildOf(span, isClients ? client : server)).toBe(true);
  }
  // Python's server names its own span in the message too.
  const sent = spans.filter(({ name }) => name === "MCP send sampling/createMessage");
  const linked = sent.map(({ traceId, spanId }) => ({ traceId, spanId, attributes: { "mcp.link.type": "meta" } }));
  for (const span of asked) expect(linksOf(span, "meta")).toEqual(linked);
}

const SERVICES = ["agent", "sidecar-client", "sidecar-server", "shop"];
const ERRORS = ["error", "error"];

/** Expects the parent of a sidecar's span of a message, and the link and the attributes that name the other context. */
function expectContexts(span: Span, message: Span, spans: readonly Span[], { parent, header }: Case): void {
  const https = spans.filter(({ name, kind, resource }) => {
    return name === "POST" && kind === "client" && resource["service.name"] === "agent";
  });
  const names = (id: { traceId: unknown; spanId: unknown }) =>
    https.find(({ traceId, spanId }) => traceId === id.traceId && spanId === id.spanId);
  const other = parent === "meta" ? "transport" : "meta";
  const isHeaders = parent === "header" && header !== undefined;
  const links = linksOf(span, other).map(({ traceId, spanId }) => ({ traceId, spanId }));
  const attributed = {
    traceId: span.attributes[`mcp.${other}.trace_id`],
    spanId: span.attributes[`mcp.${other}.span_id`],
  };
  if (header === undefined) {
    expect(isChildOf(span, message)).toBe(true);
    expect([links, attributed]).toEqual([[], { traceId: undefined, spanId: undefined }]);
    return;
  }
  expect([attributed]).toEqual(links);
  const http = isHeaders ? names({ traceId: span.traceId, spanId: span.parentSpanId }) : names(attributed);
  expect(http, "the span of the client's request").toBeDefined();
  // The header was sent during the message's span.
  expect(isAround(message, http!)).toBe(true);
  if (header === "child") expect(isChildOf(http!, message)).toBe(true);
  else expect(http!.traceId).not.toBe(message.traceId);
  if (isHeaders) expect(attributed).toEqual({ traceId: message.traceId, spanId: message.spanId });
  else expect(isChildOf(span, message)).toBe(true);
}

/** Whether all services have spans of all these operations. */
function isWhole(spans: readonly Span[], operations: readonly string[], sdk: Sdk): boolean {
  return operations.every((operation) => SERVICES.every((service) => find(spans, service, operation, sdk).length > 0));
}

/** The spans of a service for an operation. */
function find(spans: readonly Span[], service: string, operation: string, { prefix }: Sdk): Span[] {
  const name = service === "agent" ? prefix + operation : operation;
  return spans.filter((span) => serviceOf(span) === service && span.name === name);
}

function serviceOf({ resource }: Span): unknown {
  return resource["service.name"];
}

function nameOf(span: Span): string {
  return `${String(serviceOf(span))}: ${span.name}`;
}

function one(spans: readonly Span[]): Span {
  expect(spans.map(nameOf)).toHaveLength(1);
  return spans[0];
}

/** Whether a span begins and ends within another one, within the precision of their clocks. */
function isAround(outer: Span, inner: Span): boolean {
  return outer.startNs <= inner.startNs + CLOCK_NS && inner.endNs <= outer.endNs + CLOCK_NS;
}
