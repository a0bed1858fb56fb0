import { FilterState } from "../host/filter_state";
import { Method, methodName } from "../mcp/protocol/methods";
import { ObservedStream } from "../mcp/exchange/observed_stream";
import { Operation } from "../mcp/operations/operation";
import { OperationLog } from "../mcp/operations/operation_log";
import { outcomeName } from "../mcp/protocol/outcome";
import { shownLength } from "../mcp/protocol/shown_target";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../memory/elapsed";
import { HEX_SIZE, writeHex } from "../memory/hex";

const ROOM: i32 = 64;
const text: usize = heap.alloc(ROOM);

/**
 * Leaves what an access log may want to show in the stream's filter state, as text; docs/access-log.md lists the names.
 * Never arguments, results or ids: of a session its keyed hash.
 */
export class AccessLog extends OperationLog {
  constructor(private state: FilterState) {
    super();
  }

  requested(stream: ObservedStream, operation: Operation, isModern: bool): void {
    this.begin(stream, operation.method, operation.session, isModern);
    const length = shownLength(operation.method, operation.name, operation.nameLength);
    if (length) this.state.set("mcp.target", operation.name, length);
  }

  ended(stream: ObservedStream, operation: Operation, isModern: bool, now: u64): void {
    this.requested(stream, operation, isModern);
    this.setText("mcp.outcome", outcomeName(operation.outcome));
    const endedAt = operation.endedAt ? operation.endedAt : now;
    this.setNumber("mcp.duration_ms", elapsed(operation.startedAt, endedAt) / NANOSECONDS_PER_MILLISECOND);
    const tokens = operation.allTokens;
    if (tokens) this.setNumber("mcp.tokens", tokens);
  }

  notified(stream: ObservedStream, method: Method, session: u64, isModern: bool): void {
    this.begin(stream, method, session, isModern);
  }

  private begin(stream: ObservedStream, method: Method, session: u64, isModern: bool): void {
    if (stream.isLogged) {
      // Of the message before it in a batch: it may have what this one lacks.
      this.setText("mcp.target", "");
      this.setText("mcp.tokens", "");
      this.setText("mcp.outcome", "");
      this.setText("mcp.duration_ms", "");
    }
    stream.isLogged = true;
    this.setText("mcp.method", methodName(method));
    this.setText("mcp.era", isModern ? "modern" : "legacy");
    if (session) this.setHash("mcp.session", session);
  }

  private setText(name: string, value: string): void {
    const from = changetype<usize>(value);
    const length = value.length;
    for (let i = 0; i < length; i++) store<u8>(text + i, load<u8>(from + (i << 1)));
    this.state.set(name, text, length);
  }

  private setNumber(name: string, value: u64): void {
    let at = text + ROOM;
    do {
      store<u8>(--at, <u8>(0x30 + (value % 10)));
      value /= 10;
    } while (value);
    this.state.set(name, at, <i32>(text + ROOM - at));
  }

  /** As 16 hexadecimal digits. */
  private setHash(name: string, value: u64): void {
    writeHex(text, value);
    this.state.set(name, text, HEX_SIZE);
  }
}
