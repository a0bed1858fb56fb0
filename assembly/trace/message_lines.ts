import { Clock } from "../host/clock";
import { Level, Log } from "../host/log";
import { SessionKey } from "../identity/keys";
import { writeTimestamp } from "../json/timestamp";
import { JsonWriter } from "../json/writer";
import { Method, methodName } from "../mcp/protocol/methods";
import { Outcome, outcomeName } from "../mcp/protocol/outcome";
import { MODERN_REVISION } from "../mcp/protocol/revisions";
import { shownLength } from "../mcp/protocol/shown_target";
import { Undecoded, undecodedName } from "../mcp/protocol/undecoded";
import { Operation } from "../mcp/state/operation";
import { Stream } from "../mcp/state/stream";
import { HEX_SIZE, writeHex } from "../memory/hex";

const hexText: usize = memory.data(16);

/**
 * Writes lines of JSON to the proxy's log, at the level info: docs/access-log.md lists the members. Their order is fixed,
 * because log-based metrics match it. Never writes arguments, results or ids; a session appears as its keyed hash.
 */
export class MessageLines {
  private writer: JsonWriter = new JsonWriter();

  constructor(
    private log: Log,
    private clock: Clock,
  ) {}

  /** Whether the log takes the lines. */
  get isEnabled(): bool {
    return this.log.level <= Level.Info;
  }

  /** Writes the line of an operation. Without an outcome if that is Open. */
  operation(stream: Stream, operation: Operation): void {
    if (!this.begin("mcp_message")) return;
    const writer = this.writer;
    if (operation.outcome != Outcome.Open) writer.textMember("outcome", outcomeName(operation.outcome));
    this.message(stream, operation.method);
    const tokens = operation.modelTokens;
    if (tokens) writer.numberMember("tokens", tokens);
    const session = operation.session ? operation.session : deniedSessionOf(stream);
    const target = shownLength(operation.method, operation.name, operation.nameLength);
    this.end(stream, session, operation.name, target);
  }

  /** Writes the line of a notification of the client. */
  notification(stream: Stream, method: Method, session: SessionKey, isRejected: bool): void {
    if (!this.begin("mcp_message")) return;
    if (isRejected) this.writer.textMember("outcome", outcomeName(Outcome.Denied));
    this.message(stream, method);
    this.end(stream, session ? session : deniedSessionOf(stream), 0, 0);
  }

  /** Writes the line of a request that is rejected as a whole, before its messages are decided. */
  refused(stream: Stream): void {
    if (!this.begin("mcp_message")) return;
    this.writer.textMember("outcome", outcomeName(Outcome.Denied));
    this.end(stream, deniedSessionOf(stream), 0, 0);
  }

  /** Writes the line of a message that could not be read. */
  undecoded(stream: Stream, reason: Undecoded): void {
    if (!this.begin("mcp_undecoded")) return;
    this.writer.textMember("reason", undecodedName(reason));
    this.end(stream, 0, 0, 0);
  }

  /** Begins a line. False if the log takes none. */
  private begin(event: string): bool {
    if (!this.isEnabled) return false;
    const writer = this.writer;
    writer.clear();
    writer.raw('{"event":"');
    writer.raw(event);
    writer.raw('","time":');
    writeTimestamp(writer, this.clock.wallNow());
    return true;
  }

  private message(stream: Stream, method: Method): void {
    this.writer.textMember("method", methodName(method));
    this.writer.textMember("era", stream.revision == MODERN_REVISION ? "modern" : "legacy");
  }

  /** Ends a line with what the request has in common. What others choose comes last. */
  private end(stream: Stream, session: SessionKey, target: usize, targetLength: i32): void {
    const writer = this.writer;
    // Without an id, a session would be the activity of a caller, and the host does not show who calls.
    if (session && (stream.session.id || stream.session.newId)) {
      writeHex(hexText, session);
      writer.bytesMember("session", hexText, HEX_SIZE);
    }
    const logged = stream.logged;
    if (logged) writer.bytesMember("rule", logged.rule, logged.ruleLength);
    writer.bytesMember("target", target, targetLength);
    if (logged) writer.bytesMember("principal", logged.principal, logged.principalLength);
    writer.raw("}");
    this.log.writeBytes(Level.Info, writer.at, writer.length);
  }
}

/** The session that a denied request names; 0 for none. */
function deniedSessionOf(stream: Stream): SessionKey {
  const logged = stream.logged;
  return logged ? logged.deniedSession : 0;
}
