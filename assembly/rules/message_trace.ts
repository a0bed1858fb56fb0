import { GateRequest } from "../gate/stage/request";
import { TRACE_CONTEXT_SIZE, TraceContext } from "../http/trace_context";
import { SessionKey } from "../identity/keys";
import { Token } from "../json/token";
import { JsonWriter } from "../json/writer";
import { HEX_SIZE, writeHex } from "../memory/hex";
import { messageIdHash, messageIdKind } from "./message_id";
import { MemberSlot } from "./message/deciding_keys";
import { MessageForm, StrictReader } from "./message/strict_reader";

/** The trace context in the message's `_meta`, if any, and the result of {@link spanOfMessage}. */
const meta = changetype<TraceContext>(heap.alloc(TRACE_CONTEXT_SIZE));
const found = changetype<TraceContext>(heap.alloc(TRACE_CONTEXT_SIZE));

const digits: usize = memory.data(32);

/**
 * The trace and span id that the request in the reader gets or would get, valid until the next call. Null if no span is
 * exported: no traces are recorded, the message is not a request, or its trace is not sampled. Null also for an
 * `initialize` that passes, because its response names the session whose trace it begins. `session` is the message's
 * session, or 0. `isRejected`: the gate keeps the message from the server, so that its span may be kept as a failure.
 */
export function spanOfMessage(
  request: GateRequest,
  reader: StrictReader,
  session: SessionKey,
  isRejected: bool,
): TraceContext | null {
  const origins = request.services.origins;
  if (!origins || reader.form != MessageForm.Request) return null;
  const stream = request.exchange.stream;
  const isNamed = reader.token(MemberSlot.MetaTraceparent) == Token.String;
  meta.read(reader.textAt(MemberSlot.MetaTraceparent), isNamed ? reader.textLength(MemberSlot.MetaTraceparent) : 0);
  const isOpening = !isRejected && !stream.session.isHttpSse && reader.isText(MemberSlot.Method, "initialize");
  if (isOpening && origins.mayEnterSession(stream, meta)) return null;
  origins.choose(stream, meta, session);
  if (!origins.isSampled && !(isRejected && origins.config.keepErrors)) return null;
  const kind = messageIdKind(reader);
  found.traceHigh = origins.traceHigh;
  found.traceLow = origins.traceLow;
  found.spanId = origins.spanOf(stream, kind, messageIdHash(reader, kind));
  return found;
}

/** Writes the members of a log line that name a span and its trace. */
export function writeSpan(writer: JsonWriter, traceHigh: u64, traceLow: u64, spanId: u64): void {
  writeHex(digits, traceHigh);
  writeHex(digits + HEX_SIZE, traceLow);
  writer.bytesMember("trace_id", digits, 2 * HEX_SIZE);
  writeHex(digits, spanId);
  writer.bytesMember("span_id", digits, HEX_SIZE);
}
