/** Works out of recorded exchanges what the filter must say of sessions. */
import { findEnvoy } from "../../../scripts/envoy/binary.ts";
import { envoyVersion, isAtLeast } from "../../../scripts/envoy/version.ts";
import { tokensOfKind } from "../../estimator.ts";
import { operationsOf } from "../operation-truth.ts";
import { count, type Counts, labelValue, type Metric, series } from "../prometheus.ts";
import type { Recorded } from "../recording.ts";
import { textsByExchange } from "../token-truth.ts";
import { isModern, type Message, messagesOf, streamKindOf, type Wire, wireOf } from "../wire.ts";

interface Session {
  mcp_session_kind: string;
  mcp_protocol_version: string;
  mcp_client_name: string;
  operations: number;
  tokens: number;
  /** Empty while it lives. */
  end: string;
}

type Params = {
  protocolVersion?: string;
  clientInfo?: { name: string };
  _meta?: Record<string, { name: string } | undefined>;
};

/** Since 1.38, Envoy takes what is in a histogram's bin for the harmonic mean of its bounds, before for the arithmetic. */
const IS_HARMONIC = isAtLeast((await envoyVersion(await findEnvoy()))!, [1, 38]);

/** What there is to say of sessions: counters and the histograms' counts and sums; gauges. */
export interface SessionTruth {
  counts: Counts;
  gauges: Counts;
}

/** The truth once all is at rest. `areIdle`: the idle timeout has passed since. */
export function sessionTruthOf(exchanges: Recorded[], areIdle: boolean): SessionTruth {
  const wire = wireOf(exchanges);
  const sessions = sessionsOf(wire, exchanges);
  const truth: SessionTruth = { counts: {}, gauges: {} };
  const isOpen = ({ ended, status, body }: Recorded) => ended === "open" && status === 200 && body !== "";
  const calling = new Set(exchanges.filter(isOpen).map((exchange) => keyOf(exchange, wire)));
  for (const [key, session] of sessions) {
    const { mcp_session_kind, mcp_protocol_version, mcp_client_name, operations, tokens } = session;
    const kind = { mcp_session_kind };
    count(truth.counts, "mcp_sessions_started_total", { ...kind, mcp_protocol_version, mcp_client_name });
    const mcp_session_end = session.end === "" && areIdle ? "idle" : session.end;
    if (mcp_session_end === "") {
      const mcp_session_state = calling.has(key) ? "calling" : "idle";
      count(truth.gauges, "mcp_sessions_active", { ...kind, mcp_session_state, mcp_protocol_version, mcp_client_name });
      continue;
    }
    count(truth.counts, "mcp_sessions_ended_total", { ...kind, mcp_session_end });
    count(truth.counts, "mcp_session_duration_milliseconds_count", kind);
    count(truth.counts, "mcp_session_operations_count", kind);
    count(truth.counts, "mcp_session_operations_sum", kind, inHistogram(operations));
    count(truth.counts, "mcp_session_tokens_count", kind);
    count(truth.counts, "mcp_session_tokens_sum", kind, inHistogram(tokens));
  }
  for (const key of Object.keys(truth.counts)) truth.counts[key] = rounded(truth.counts[key]);
  for (const exchange of exchanges) {
    if (exchange.ended !== "open" || exchange.status !== 200) continue;
    count(truth.gauges, "mcp_streams_active", { mcp_stream_kind: streamKindOf(exchange, wire) });
    if (isOpen(exchange)) count(truth.gauges, "mcp_operations_in_flight", {});
  }
  return truth;
}

/** The sessions by what names them, with all that they did. */
function sessionsOf(wire: Wire, exchanges: readonly Recorded[]): Map<string, Session> {
  const sessions = new Map<string, Session>();
  for (const exchange of exchanges) begin(sessions, exchange, wire);
  for (const exchange of exchanges) end(sessions.get(wire.sessionOf(exchange) ?? ""), exchange, wire);
  for (const { request } of operationsOf(wire)) {
    const session = sessions.get(keyOf(request.exchange, wire) ?? "");
    if (session !== undefined) session.operations++;
  }
  for (const [exchange, texts] of textsByExchange(exchanges)) {
    const session = sessions.get(keyOf(exchange, wire) ?? "");
    const read = texts.filter(({ kind }) => kind !== "structured");
    if (session !== undefined)
      session.tokens += read.reduce((sum, { kind, texts }) => sum + tokensOfKind(kind, texts), 0);
  }
  return sessions;
}

/** Begins the session that an answered `initialize` opens, or that activity of a client without sessions is. */
function begin(sessions: Map<string, Session>, exchange: Recorded, wire: Wire): void {
  const key = keyOf(exchange, wire);
  if (exchange.method !== "POST" || key === null || sessions.has(key)) return;
  const { id, method, params } = JSON.parse(exchange.body) as Message & { params?: Params };
  if (isModern(exchange)) {
    sessions.set(key, sessionOf("window", "2026-07-28", params?._meta?.["io.modelcontextprotocol/clientInfo"]));
  } else if (method === "initialize") {
    const stream = wire.streamOf(key);
    const answers = messagesOf(stream ?? exchange).map((text) => JSON.parse(text) as Initialized);
    const answer = answers.find((message) => message.id === id);
    if (answer?.result === undefined) return;
    const kind = stream === undefined ? "streamable" : "http_sse";
    sessions.set(key, sessionOf(kind, answer.result.protocolVersion, params?.clientInfo));
  }
}

interface Initialized {
  id?: Message["id"];
  result?: { protocolVersion: string };
}

function sessionOf(mcp_session_kind: string, mcp_protocol_version: string, client?: { name: string }): Session {
  const mcp_client_name = labelValue(client?.name ?? "");
  return { mcp_session_kind, mcp_protocol_version, mcp_client_name, operations: 0, tokens: 0, end: "" };
}

/** Ends the session where this exchange does. */
function end(session: Session | undefined, exchange: Recorded, wire: Wire): void {
  if (session === undefined || session.end !== "") return;
  const isAccepted = exchange.status >= 200 && exchange.status < 300;
  if (session.mcp_session_kind === "http_sse") {
    if (wire.streamOf(wire.sessionOf(exchange))?.ended !== "open") session.end = "stream_closed";
  } else if (exchange.status === 404) session.end = "refused";
  else if (exchange.method === "DELETE" && isAccepted) session.end = "deleted";
}

/** What names the session that the exchange counts in; null where it is none. */
function keyOf(exchange: Recorded, wire: Wire): string | null {
  if (!isModern(exchange)) return wire.sessionOf(exchange) ?? exchange.givenSession;
  if (exchange.method !== "POST" || exchange.status < 200 || exchange.status > 299) return null;
  const { id, method, params } = JSON.parse(exchange.body) as Message & { params?: Params };
  // A client that asks what the server speaks may go on with a session.
  if (id === undefined || method === undefined || method === "server/discover") return null;
  return `window ${params?._meta?.["io.modelcontextprotocol/clientInfo"]?.name ?? ""}`;
}

/** What a whole number adds to the sum of one of Envoy's histograms, which keep two significant digits. */
function inHistogram(value: number): number {
  if (value === 0) return 0;
  const width = 10 ** (Math.floor(Math.log10(value)) - 1);
  const least = value < 100 ? value : Math.floor(value / width) * width;
  const next = least + width;
  return IS_HARMONIC ? (2 * least * next) / (least + next) : (least + next) / 2;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

/** How many operations and tokens the sessions had that have ended. */
export function sessionSums(metrics: Metric[]): Counts {
  const sums = metrics.filter(({ name }) => /^mcp_session_(operations|tokens)_sum$/.test(name));
  return Object.fromEntries(sums.map(({ name, labels, value }) => [series(name, labels), rounded(value)]));
}

/** Gauges that have tests of their own. */
const TESTED_ELSEWHERE = ["mcp_build_info", "mcp_definition_tokens", "mcp_oldest_operation_milliseconds"];

/** The other gauges that are not zero. */
export function gaugesOf(metrics: Metric[]): Counts {
  const gauges = metrics.filter(
    ({ name, value }) => value !== 0 && !/_(total|count|sum|bucket)$/.test(name) && !TESTED_ELSEWHERE.includes(name),
  );
  return Object.fromEntries(gauges.map(({ name, labels, value }) => [series(name, labels), value]));
}
