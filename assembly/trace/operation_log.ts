import { Clock } from "../host/clock";
import { Level, Log } from "../host/log";
import { writeTimestamp } from "../json/timestamp";
import { JsonWriter } from "../json/writer";
import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { TargetKind, methodName, targetKind } from "../mcp/protocol/methods";
import { outcomeName } from "../mcp/protocol/outcome";
import { Operation } from "../mcp/state/operation";
import { Span } from "../mcp/state/span";
import { HEX_SIZE, writeHex } from "../memory/hex";
import { writeSpan } from "../rules/message_trace";

const hexText: usize = memory.data(16);
/** Shared, because lines are written one at a time. */
const writer = new JsonWriter();

/**
 * Writes a JSON line to the proxy's log for each operation whose outcome the access log does not show. The proxy writes
 * one access-log entry per stream, at its end, and the outcome was not known then. The level is info.
 * docs/access-log.md lists the members. Never contains arguments, results or ids; a session appears as its keyed hash.
 */
export class OperationLog extends EventSink {
  constructor(
    private log: Log,
    private clock: Clock,
  ) {
    super();
  }

  receive(event: Event): void {
    const operation = event.operation;
    if (event.kind == EventKind.OperationWaiting) operation!.shownOutcome = operation!.outcome;
    else if (event.kind == EventKind.OperationEnded && this.log.level <= Level.Info) this.operationEnded(operation!);
  }

  private operationEnded(operation: Operation): void {
    if (!operation.isParked || operation.outcome == operation.shownOutcome) return;
    writer.clear();
    writer.raw('{"event":"mcp_operation_ended","time":');
    const now = this.clock.now();
    const endedAt = operation.endedAt ? operation.endedAt : now;
    writeTimestamp(writer, endedAt + (this.clock.wallNow() - now));
    if (operation.session) {
      writeHex(hexText, operation.session);
      writer.bytesMember("session", hexText, HEX_SIZE);
    }
    if (operation.span) this.writeTrace(changetype<Span>(operation.span));
    writer.textMember("method", methodName(operation.method));
    // The store keeps no URI, which may contain a secret. Omitting it here too makes lines independent of where an
    // operation has waited.
    const isNamed = targetKind(operation.method) != TargetKind.None;
    writer.bytesMember("target", operation.name, isNamed ? operation.nameLength : 0);
    writer.textMember("direction", operation.fromServer ? "server_to_client" : "client_to_server");
    writer.textMember("outcome", outcomeName(operation.outcome));
    writer.numberMember("duration_ms", operation.durationMs(now));
    const tokens = operation.modelTokens;
    if (tokens) writer.numberMember("tokens", tokens);
    writer.raw("}");
    this.log.writeBytes(Level.Info, writer.at, writer.length);
  }

  /** Writes the span of an operation if it is exported. */
  private writeTrace(span: Span): void {
    if (span.isKept) writeSpan(writer, span.traceHigh, span.traceLow, span.spanId);
  }
}
