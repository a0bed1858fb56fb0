import { Tokenizer } from "../../../assembly/json/tokenizer";
import { Fault, Token } from "../../../assembly/json/token";

export { allocate } from "./common/allocate";

/** What the test wants to be passed over behind a token. */
enum Skip {
  Nothing,
  Value,
  Container,
  /** Passes over the value, too, and hands out its bytes. */
  Captured,
}

// @ts-ignore: decorator
@external("trace", "token")
declare function trace(token: Token, at: usize, length: i32, total: u32, start: f64, end: f64): Skip;

const tokens = Tokenizer.create();

export function begin(): void {
  tokens.reset();
}

export function feed(at: usize, length: usize): void {
  tokens.feed(at, length);
  for (let token = tokens.next(); token > Token.Error; token = tokens.next()) {
    const start = <f64>tokens.tokenStart;
    const skip = trace(token, tokens.textAt, tokens.textLength, tokens.textTotal, start, <f64>tokens.tokenEnd);
    if (skip == Skip.Value) tokens.skipValue();
    else if (skip == Skip.Container) tokens.skipContainer();
    else if (skip == Skip.Captured) tokens.captureValue();
  }
}

export function fault(): Fault {
  return tokens.fault;
}

export function complete(): bool {
  return tokens.complete;
}

export function blank(): bool {
  return tokens.blank;
}

export function size(): u64 {
  return tokens.documentEnd - tokens.documentStart;
}
