/** The builds that tests of this folder run with: which files, and what the host of each build can do. */
import { BUILDS, type Build } from "../../../scripts/builds.ts";
import { FULL } from "../../effort.ts";

/** What tests need of the host, or of the build for it. A test without a condition needs none of these. */
export type Capability =
  /** The proxy names the upstream cluster and the direction of the listener. */
  | "clusters"
  /** The proxy names its plugins. An invalid configuration is replaced by the last valid one of that name. */
  | "pluginNames"
  /** The host announces the end of a plugin. */
  | "pluginEnds"
  /** The proxy says why a stream ended: a reset by the server or a timeout. */
  | "resets"
  /** Requests can wait: in queues, or with their headers held. */
  | "waiting"
  /** Callers have the identities that a mesh gives them. */
  | "principals"
  /** Values for the access log are the proxy's filter state. */
  | "filterState"
  /** Pieces of a request's body wait in the proxy while the plugin pauses, and a response may begin before its end. */
  | "streamedRequests"
  /** A body of any size is read in slices of constant size. */
  | "slices"
  /** The names of metrics may have any length. */
  | "longNames"
  /** The host calls are those of Envoy's build. */
  | "hostCalls"
  | "metrics"
  | "limits"
  /** Streams and workers share what they know: sessions, open requests, tasks. */
  | "sharedData";

const CAPABILITIES: Record<string, readonly Capability[] | "all"> = {
  envoy: "all",
  nginx: ["metrics", "limits", "sharedData"],
  lite: [],
};

/** Files that run with a build besides Envoy's, without the end of their names. Those in `full` run in the full run only. */
export const FILES: Record<string, { readonly always: readonly string[]; readonly full: readonly string[] }> = {
  nginx: {
    always: [
      ...["access-audit", "access-callers", "access-cors", "access-denials", "access-explained", "access-lists"],
      ...["access-references", "access-seen", "abandoned", "answer-ids", "batches", "batches-broken", "batches-open"],
      ...["captures", "http-sse", "http-sse-access", "http-sse-endpoints", "http-sse-hops", "http-sse-posts"],
      ...["labels", "limits", "limits-kinds", "not-mcp", "nulls", "odd-events", "operation-log", "operations"],
      ...["other-protocols", "repeated-calls", "repeated-lists", "rewritten", "server-requests", "sessions", "streams"],
      ...["tasks", "tools", "windows", "tokens/batches", "tokens/cuts", "tokens/definitions", "tokens/labels"],
      ...["tokens/sessions", "tokens/settings", "tokens/texts"],
    ],
    full: ["captures-in-time", "session-states"],
  },
  lite: {
    always: ["access-cors", "access-denials", "access-lists", "access-references", "nulls", "rewritten"],
    full: [],
  },
};

/** The files that this run contains of a build's, as paths. */
export function filesOf(build: string): string[] {
  const { always, full } = FILES[build];
  return [...always, ...(FULL ? full : [])].map((name) => `test/host/filter/${name}.test.ts`);
}

/** The build of this run: vitest.config.ts sets it for each project. */
export const TESTED: Build = BUILDS.find(({ name }) => name === (process.env.MCP_TEST_BUILD ?? "envoy"))!;

/** Whether the host of the tested build can do this. */
export function has(capability: Capability): boolean {
  const own = CAPABILITIES[TESTED.name];
  return own === "all" || own.includes(capability);
}
