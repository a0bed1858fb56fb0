import { MessageKind, ReadFault } from "../../../assembly/jsonrpc/message_reader";
import { Decoder } from "../../../assembly/mcp/exchange/decoder";
import { McpPart, McpReader } from "../../../assembly/mcp/message/message_reader";
import { methodName } from "../../../assembly/mcp/protocol/methods";
import { outcomeName } from "../../../assembly/mcp/protocol/outcome";
import { revisionName } from "../../../assembly/mcp/protocol/revisions";
import { TOKEN_KIND_COUNT, TokenKind, TokenSettings } from "../../../assembly/mcp/protocol/token_kinds";
import { EventPart } from "../../../assembly/sse/event_reader";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "listed")
declare function traceListed(kind: i32, at: usize, length: u32): void;

// @ts-ignore: decorator
@external("trace", "message")
declare function traceMessage(
  kind: MessageKind,
  fault: ReadFault,
  method: string,
  name: usize,
  nameLength: u32,
  idKind: i32,
  idHash: u64,
  outcome: string,
  errorCode: i32,
  isErrorOfUnknownRequest: bool,
  cancelledId: u64,
  requestRevision: string,
  agreedRevision: string,
  clientName: usize,
  clientNameLength: u32,
  size: u64,
): void;

// @ts-ignore: decorator
@external("trace", "texts")
declare function traceTexts(cursor: u64, nextCursor: u64): void;

// @ts-ignore: decorator
@external("trace", "tokens")
declare function traceTokens(kind: TokenKind, tokens: u32): void;

// @ts-ignore: decorator
@external("trace", "batch")
declare function traceBatch(fault: ReadFault): void;

let decoder: usize = 0;
let tokens: TokenSettings = new TokenSettings(true, 262_144, 1);

/** Sets how tokens are estimated, starting with the next body. */
export function configure(estimate: bool, maxBytes: u32, scale: f64): void {
  tokens = new TokenSettings(estimate, maxBytes, scale);
}

/** Starts a body: one message or batch, or an event stream of them. */
export function begin(isEventStream: bool): void {
  if (decoder) changetype<Decoder>(decoder).release();
  decoder = Decoder.acquire(isEventStream);
}

export function feed(at: usize, length: usize): void {
  const body = changetype<Decoder>(decoder);
  if (!body.isEventStream) return read(body.reader(tokens), at, length);
  const events = body.events;
  events.feed(at, length);
  for (let part = events.next(); part != EventPart.More; part = events.next()) {
    if (part == EventPart.Data) {
      read(body.reader(tokens), events.dataAt, events.dataLength);
    } else {
      if (events.isMessage) endMessage(body.reader(tokens));
      body.endMessage();
    }
  }
}

/** Ends the body. */
export function end(): void {
  const body = changetype<Decoder>(decoder);
  if (!body.isEventStream) endMessage(body.reader(tokens));
}

function read(reader: McpReader, at: usize, length: usize): void {
  const message = reader.message;
  reader.feed(at, length);
  for (let part = reader.next(); part != McpPart.More && part != McpPart.Fault; part = reader.next()) {
    if (part == McpPart.Listed) traceListed(message.listed, message.listedAt, message.listedLength);
    if (part == McpPart.End) {
      finish(reader);
      reader.beginNext(tokens);
    }
  }
}

/** Ends a message or batch. */
function endMessage(reader: McpReader): void {
  if (reader.blank) return;
  if (reader.isBatch) traceBatch(reader.finishBatch());
  else finish(reader);
}

function finish(reader: McpReader): void {
  const message = reader.message;
  const kind = reader.finish();
  traceTexts(message.cursor, message.nextCursor);
  for (let each = 0; each < TOKEN_KIND_COUNT; each++) traceTokens(each, message.tokens(each));
  traceMessage(
    kind,
    reader.fault,
    methodName(message.method),
    message.name,
    message.nameLength,
    message.idKind,
    message.idHash,
    kind == MessageKind.Response ? outcomeName(message.outcome) : "",
    message.errorCode,
    message.isErrorOfUnknownRequest,
    message.cancelledId,
    revisionName(message.requestRevision),
    revisionName(message.agreedRevision),
    message.clientName,
    message.clientNameLength,
    message.size,
  );
}
