import { Clock } from "../../host/clock";
import { rootSpanId } from "../../identity/session_traces";
import { Bytes, mix } from "../../memory/bytes";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { HEX_SIZE, writeHex } from "../../memory/hex";
import { neverZero } from "../../memory/keyed_hash";
import { REVISION_COUNT, UNKNOWN_REVISION } from "../../mcp/protocol/revisions";
import { SpanOrigins } from "../../mcp/spans/span_origins";
import { Marks } from "../../store/primitives/marks";
import { SessionEntry, SessionKind } from "../../store/session_entry";
import { Exporter } from "../export/exporter";
import { Attribute } from "../otlp/attribute";
import { SpanKind } from "../otlp/span_writer";
import { REVISIONS, SESSION_ENDS, SESSION_KINDS } from "./names";
import { ServerNames } from "./server_names";

const NAME = Bytes.of("MCP session");
const CLIENT = Bytes.of("client");
const SERVER = Bytes.of("server");

const digits: usize = memory.data(16);

/**
 * Exports the root spans of the traces of sessions, once a session has ended and its totals are final. If the session
 * continues later, the later part becomes a child of the root.
 */
export class SessionSpans {
  /** @param roots start times, in milliseconds, of the sessions whose roots have been exported */
  constructor(
    private exporter: Exporter,
    private origins: SpanOrigins,
    private servers: ServerNames,
    private roots: Marks,
    private clock: Clock,
  ) {}

  /** Handles the end of a session. Does nothing if its trace is not sampled and no span of it has been kept. */
  settled(entry: SessionEntry): void {
    const origins = this.origins;
    if (!origins.config.sessions) return;
    origins.findStoredTrace(entry);
    const high = origins.traces.high;
    const low = origins.traces.low;
    if (!entry.isTraced && !origins.samples(low)) return;
    const offset = this.clock.wallNow() - this.clock.now();
    const startedAt = entry.startedAtMs * NANOSECONDS_PER_MILLISECOND;
    const endedAt = entry.endedAtMs * NANOSECONDS_PER_MILLISECOND;
    // Other proxies have the same trace if they share its key.
    const isBelowClient = entry.traceHigh != 0 && origins.role.equals(SERVER.at, SERVER.length);
    const root = origins.rootId(high, low);
    // A session with an id may continue after it was idle or forgotten. Its trace already has a root then.
    const hasId = entry.kind != <u8>SessionKind.Window;
    const isLater = hasId && this.roots.set(entry.hash, 0, entry.startedAtMs) != 0;
    const writer = this.exporter.writer;
    writer.begin(
      high,
      low,
      isLater ? neverZero(mix(root ^ mix(entry.startedAtMs))) : root,
      isLater ? root : isBelowClient ? rootSpanId(high, low, CLIENT) : 0,
      SpanKind.Internal,
      false,
      startedAt + offset,
      <u64>max<i64>(endedAt, startedAt) + offset,
      NAME.at,
      NAME.length,
      0,
      0,
    );
    const server = this.servers.find(entry.server);
    if (server) this.text(Attribute.McpServerName, server);
    const revision: i32 = entry.revision;
    if (revision != UNKNOWN_REVISION && revision < REVISION_COUNT) {
      this.text(Attribute.McpProtocolVersion, REVISIONS[revision]);
    }
    this.text(Attribute.McpSessionKind, SESSION_KINDS[entry.kind]);
    this.text(Attribute.McpSessionEnd, SESSION_ENDS[entry.end]);
    writer.integer(Attribute.McpSessionOperations, entry.operations);
    if (entry.tokens) writer.integer(Attribute.McpTokens, entry.tokens);
    writeHex(digits, origins.shownSession(entry.hash, high));
    writer.text(Attribute.SessionId, digits, HEX_SIZE);
    writer.text(Attribute.GenAiConversationId, digits, HEX_SIZE);
    writer.end();
    this.exporter.add(writer.at, writer.length);
  }

  private text(attribute: Attribute, bytes: Bytes): void {
    this.exporter.writer.text(attribute, bytes.at, bytes.length);
  }
}
