// Drives the filter's decoder like the body callbacks do: in slices, reading every result.
import { EventPart } from "../../../assembly/sse/event_reader";
import { MessageKind } from "../../../assembly/jsonrpc/message_reader";
import { Decoder } from "../../../assembly/mcp/exchange/decoder";
import { McpPart, McpReader } from "../../../assembly/mcp/message/message_reader";
import { TokenSettings } from "../../../assembly/mcp/protocol/token_kinds";

/** As in the filter. */
const SLICE: usize = 65536;
/** bench:tokens measures the cost of token estimates. */
const tokens = new TokenSettings(false, 0, 1);

/** Allocates memory for a document. */
export function allocate(size: usize): usize {
  return heap.alloc(size);
}

/** Reads a document. Returns the number of messages, or -1 if one of them is invalid. */
export function decode(at: usize, length: usize, isEventStream: bool): i32 {
  const address = Decoder.acquire(isEventStream);
  const decoder = changetype<Decoder>(address);
  let messages = 0;
  for (let start: usize = 0; start < length && messages >= 0; start += SLICE) {
    const size = min(SLICE, length - start);
    if (isEventStream) messages = readEvents(decoder, at + start, size, messages);
    else read(decoder.reader(tokens), at + start, size);
  }
  if (!isEventStream) messages = isWhole(decoder.reader(tokens)) ? 1 : -1;
  decoder.release();
  return messages;
}

function readEvents(decoder: Decoder, at: usize, length: usize, before: i32): i32 {
  const events = decoder.events;
  let messages = before;
  events.feed(at, length);
  for (let part = events.next(); part != EventPart.More; part = events.next()) {
    if (part == EventPart.Data) {
      read(decoder.reader(tokens), events.dataAt, events.dataLength);
    } else {
      if (!isWhole(decoder.reader(tokens))) return -1;
      messages++;
      decoder.endMessage();
    }
  }
  return messages;
}

function read(reader: McpReader, at: usize, length: usize): void {
  reader.feed(at, length);
  for (let part = reader.next(); part != McpPart.More && part != McpPart.Fault; part = reader.next()) {}
}

function isWhole(reader: McpReader): bool {
  return reader.finish() != MessageKind.None;
}
