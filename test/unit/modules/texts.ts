import { Texts } from "../../../assembly/mcp/message/texts";
import { TokenSettings } from "../../../assembly/mcp/protocol/token_kinds";

export { allocate } from "./common/allocate";

/** With this scale, a token of the filter is a unit of cost. */
const UNITS: f64 = 1024;

const texts = Texts.create();

/** A new message, of whose texts the first `maxBytes` bytes are read exactly. */
export function reset(maxBytes: u32): void {
  texts.reset(new TokenSettings(true, maxBytes, UNITS));
}

/** The next bytes of a JSON value that is a text. */
export function feed(at: usize, length: usize): void {
  texts.readPart(at, length);
}

/** A whole text as UTF-8. */
export function readText(kind: i32, at: usize, length: usize): void {
  texts.readText(kind, at, length);
}

export function endValue(kind: i32): void {
  texts.endValue(kind);
}

/** What the texts of this kind cost, in 1/1024 of a token. */
export function costOf(kind: i32): u32 {
  return texts.tokens(kind);
}
