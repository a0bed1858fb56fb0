import { MessageKind, ReadFault } from "../../../assembly/jsonrpc/message_reader";
import { Decoder } from "../../../assembly/mcp/exchange/decoder";
import { KeptLists } from "../../../assembly/mcp/message/kept_lists";
import { McpPart, McpReader } from "../../../assembly/mcp/message/message_reader";
import { Method } from "../../../assembly/mcp/protocol/methods";
import { TokenKind, TokenSettings } from "../../../assembly/mcp/protocol/token_kinds";
import { hashBytes } from "../../../assembly/memory/bytes";
import { EventPart } from "../../../assembly/sse/event_reader";
import { LISTED_TOOL_SIZE } from "../../../assembly/store/tool_lists";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "listed")
declare function traceListed(at: usize, length: u32): void;

// @ts-ignore: decorator
@external("trace", "answer")
declare function traceAnswer(
  kind: MessageKind,
  fault: ReadFault,
  size: u64,
  idHash: u64,
  nextCursor: u64,
  fields: u64,
  tokens: u32,
  toolCount: i32,
  areToolsCut: bool,
  tools: u64,
): void;

let lists: KeptLists | null = null;
let settings: TokenSettings = new TokenSettings(true, 262_144, 1);
/** The addresses of the decoders of bodies, by number. */
const decoders: usize[] = [];
let method: Method = Method.None;

/** Sets how tokens are estimated, starting with the next body. */
export function configure(estimate: bool, maxBytes: u32): void {
  settings = new TokenSettings(estimate, maxBytes, 1);
}

/** Removes all stored lists. Stores lists from now on if `keeps`. */
export function forget(keeps: bool): void {
  const before = lists;
  if (before) before.close();
  lists = keeps ? new KeptLists() : null;
}

/** Starts the body with this number: one message, or an event stream of messages. */
export function begin(number: i32, isEventStream: bool): void {
  while (decoders.length <= number) decoders.push(0);
  decoders[number] = Decoder.acquire(isEventStream);
}

export function feed(number: i32, server: u64, at: usize, length: usize): void {
  const body = changetype<Decoder>(decoders[number]);
  if (!body.isEventStream) return read(body.reader(settings), server, at, length);
  const events = body.events;
  events.feed(at, length);
  for (let part = events.next(); part != EventPart.More; part = events.next()) {
    if (part == EventPart.Data) {
      read(body.reader(settings), server, events.dataAt, events.dataLength);
    } else {
      if (events.isMessage) finish(body.reader(settings));
      body.endMessage();
    }
  }
}

/** Ends the body. */
export function end(number: i32): void {
  const body = changetype<Decoder>(decoders[number]);
  if (!body.isEventStream) finish(body.reader(settings));
  body.release();
}

function read(reader: McpReader, server: u64, at: usize, length: usize): void {
  const message = reader.message;
  reader.feed(at, length);
  for (let part = reader.next(); part != McpPart.More && part != McpPart.Fault; part = reader.next()) {
    if (part == McpPart.Listed) traceListed(message.listedAt, message.listedLength);
    const kept = lists;
    if (part == McpPart.List) {
      method = message.listMethod;
      if (kept) reader.compareList(kept, server);
    }
    if (part == McpPart.End) {
      finish(reader);
      reader.beginNext(settings);
    }
  }
}

function finish(reader: McpReader): void {
  if (reader.blank) return;
  const message = reader.message;
  const kind = reader.finish();
  const tools = message.listedTools;
  traceAnswer(
    kind,
    reader.fault,
    message.size,
    message.idHash,
    message.nextCursor,
    message.reader.fields.present,
    message.tokens(TokenKind.Definitions),
    tools ? tools.count : -1,
    tools ? tools.isCut : false,
    tools ? hashBytes(tools.at, tools.count * LISTED_TOOL_SIZE) : 0,
  );
  const kept = lists;
  if (kept && kind == MessageKind.Response) kept.keep(message, method);
}
