/** Works out of recorded exchanges what the filter must say of sessions. */
import { findEnvoy } from "../../../scripts/envoy/binary.ts";
import { envoyVersion, isAtLeast } from "../../../scripts/envoy/version.ts";
import { count, type Counts, type Metric, series } from "../prometheus.ts";
import type { Recorded } from "../recording.ts";
import { tokensOfExchange } from "../token-truth.ts";
import { type Message, messagesOf } from "../truth.ts";

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
  const sessions = new Map<string, Session>();
  for (const exchange of exchanges) follow(sessions, exchange);
  const truth: SessionTruth = { counts: {}, gauges: {} };
  for (const session of sessions.values()) {
    const { mcp_session_kind, mcp_protocol_version, mcp_client_name, operations, tokens } = session;
    const kind = { mcp_session_kind };
    count(truth.counts, "mcp_sessions_started_total", { ...kind, mcp_protocol_version, mcp_client_name });
    const mcp_session_end = session.end === "" && areIdle ? "idle" : session.end;
    if (mcp_session_end === "") {
      count(truth.gauges, "mcp_sessions_active", { ...kind, mcp_protocol_version });
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
  for (const { method, status, ended, body } of exchanges) {
    if (ended !== "open" || status !== 200) continue;
    count(truth.gauges, "mcp_streams_active", { mcp_stream_kind: method === "GET" ? "get" : "post" });
    if (body !== "") count(truth.gauges, "mcp_operations_in_flight", {});
  }
  return truth;
}

function follow(sessions: Map<string, Session>, exchange: Recorded): void {
  const id = exchange.headers.get("mcp-session-id");
  const session = id === null ? undefined : sessions.get(id);
  const isAccepted = exchange.status >= 200 && exchange.status < 300;
  if (session?.end === "" && exchange.status === 404) session.end = "refused";
  if (session?.end === "" && exchange.method === "DELETE" && isAccepted) session.end = "deleted";
  const tokens = tokensOfExchange(exchange);
  if (session !== undefined) session.tokens += tokens;
  if (exchange.method !== "POST") return;
  const request = JSON.parse(exchange.body) as Message & { params?: Params };
  if (request.id === undefined || request.method === undefined) return;
  if (session !== undefined) {
    session.operations++;
  } else if (exchange.givenSession !== null) {
    sessions.set(exchange.givenSession, { ...begun(exchange, request.params), operations: 1 });
  } else if (exchange.headers.get("mcp-protocol-version") === "2026-07-28" && isAccepted) {
    if (request.method === "server/discover") return;
    const window = windowOf(request.params);
    const known = sessions.get(`window ${window.mcp_client_name}`) ?? window;
    known.operations++;
    known.tokens += tokens;
    sessions.set(`window ${window.mcp_client_name}`, known);
  }
}

function begun(exchange: Recorded, params: Params = {}): Session {
  const [answer] = messagesOf(exchange).map((text) => JSON.parse(text) as { result: { protocolVersion: string } });
  return {
    mcp_session_kind: "streamable",
    mcp_protocol_version: answer.result.protocolVersion,
    mcp_client_name: params.clientInfo?.name ?? "",
    operations: 0,
    tokens: 0,
    end: "",
  };
}

function windowOf({ _meta = {} }: Params = {}): Session {
  const name = _meta["io.modelcontextprotocol/clientInfo"]?.name ?? "";
  const kind = { mcp_session_kind: "window", mcp_protocol_version: "2026-07-28", mcp_client_name: name };
  return { ...kind, operations: 0, tokens: 0, end: "" };
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

/** The gauges that are not zero, but for those of definitions, which have tests of their own. */
export function gaugesOf(metrics: Metric[]): Counts {
  const gauges = metrics.filter(
    ({ name, value }) => value !== 0 && !/_(total|count|sum|bucket)$|^mcp_definition_tokens$/.test(name),
  );
  return Object.fromEntries(gauges.map(({ name, labels, value }) => [series(name, labels), value]));
}
