import { McpPart, McpReader } from "../../../assembly/mcp/message/message_reader";
import { TokenKind, TokenSettings } from "../../../assembly/mcp/protocol/token_kinds";

const MOST: u32 = 1 << 30;
const exactly = new TokenSettings(true, MOST, 1);
/** The default of `tokens.maxBytes`. */
const HEAD: u32 = 8192;
const sampling = new TokenSettings(true, HEAD, 1);
const off = new TokenSettings(false, 0, 1);
let reader = McpReader.acquire(off);

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

/** Begins a message. `estimate` is the mode of token estimation: 2 exact, 1 from a head and samples, 0 none. */
export function begin(estimate: i32): void {
  reader.release();
  reader = McpReader.acquire(estimate == 2 ? exactly : estimate == 1 ? sampling : off);
}

export function feed(at: usize, length: usize): void {
  reader.feed(at, length);
  while (reader.next() == McpPart.Listed) continue;
}

/** The number of tokens of a tool's result; -1 if the message is invalid. */
export function end(): i64 {
  return reader.finish() ? reader.message.tokens(TokenKind.Result) : -1;
}
