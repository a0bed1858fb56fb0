/** A client and a server of the TypeScript SDK that record their spans as in SEP-414: the context is in `_meta`. */
import { Client, StreamableHTTPClientTransport, TRACEPARENT_META_KEY } from "@modelcontextprotocol/client";
import type { Server } from "@modelcontextprotocol/server";
import type { Fetch } from "../../scripts/demo/client.ts";
import { type Carrier, type Origin, Tracing } from "../fixtures/opentelemetry.ts";
import { type FixtureServer, listen, serveBothEras } from "../../scripts/demo/servers/eras.ts";
import { createProtocolServer } from "../../scripts/demo/servers/protocol.ts";
import { callTool } from "../../scripts/demo/servers/tools.ts";

const MODERN = "2026-07-28";

/** Options of an agent. */
export interface AgentOptions {
  /** The URL to which it exports spans. */
  collector: string;
  /** Before 2026-07-28 it opens a session. */
  revision: string;
  /** Whether its trace is sampled; default: true. */
  sampled?: boolean;
  /** Its HTTP client also has spans, and sends their context as `traceparent`: children of the message's span, or in
   *  separate traces. If absent, it sends none. */
  header?: "child" | "apart";
}

/** The tools that an agent of TypeScript calls, with their arguments. */
const STEPS: readonly [string, Record<string, unknown>][] = [
  ["get_weather", { city: "Oslo" }],
  ["charge_card", { declined: true }],
  ["no_such_tool", {}],
  ["ask_model", { question: "Why?" }],
];

/** Starts the fixture server at /mcp. Its spans belong to the service `shop`. */
export async function startTracedServer(collector: string): Promise<FixtureServer> {
  const tracing = await Tracing.start("shop", collector);
  const handle = serveBothEras(() => withSpans(createProtocolServer(), tracing));
  const server = await listen(() => handle);
  return {
    ...server,
    close: async () => {
      await server.close();
      await tracing.close();
    },
  };
}

/** A server with a span for each called tool, in the context from `_meta`. */
function withSpans(server: Server, tracing: Tracing): Server {
  server.setRequestHandler("tools/call", ({ params }, context) =>
    tracing.run(`tools/call ${params.name}`, "server", originOf(params._meta), () =>
      callTool(params.name, params.arguments ?? {}, context),
    ),
  );
  return server;
}

function originOf(meta: Record<string, unknown> | undefined): Origin {
  return typeof meta?.[TRACEPARENT_META_KEY] === "string" ? (meta as Carrier) : "current";
}

/** Runs an agent of the service `agent`: it lists tools and calls them. */
export async function runTracedAgent(url: string, options: AgentOptions): Promise<void> {
  const { collector, revision, header } = options;
  const tracing = await Tracing.start("agent", collector, options.sampled);
  const isModern = revision >= MODERN;
  const client = new Client(
    { name: "agent", version: "1.0.0" },
    { capabilities: { sampling: {} }, versionNegotiation: { mode: isModern ? { pin: revision } : "legacy" } },
  );
  client.setRequestHandler("sampling/createMessage", () => {
    return { model: "none", role: "assistant" as const, content: { type: "text" as const, text: "Because." } };
  });
  const tracedFetch: Fetch = (to, init) =>
    tracing.run(init?.method ?? "GET", "client", header === "apart" ? "none" : "current", (carrier) => {
      const headers = new Headers(init?.headers);
      for (const [name, value] of Object.entries(carrier)) headers.set(name, value);
      return fetch(to, { ...init, headers });
    });
  const transport = new StreamableHTTPClientTransport(new URL(url), header === undefined ? {} : { fetch: tracedFetch });
  await tracing.run("agent", "internal", "none", async () => {
    await client.connect(transport);
    const uncached = { cacheMode: "bypass" } as const;
    await tracing.run("tools/list", "client", "current", (_meta) => client.listTools({ _meta }, uncached));
    for (const [name, args] of STEPS) {
      // In the modern era the call is sent again, with the model's response.
      if (isModern && name === "ask_model") continue;
      await tracing
        .run(`tools/call ${name}`, "client", "current", (_meta) => client.callTool({ name, arguments: args, _meta }))
        .catch(() => {});
    }
    await transport.terminateSession();
    await client.close();
  });
  await tracing.close();
}
