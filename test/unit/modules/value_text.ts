import { ValueText } from "../../../assembly/json/value_text";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "run")
declare function traceRun(at: usize, length: usize): void;

const text = ValueText.create();
/** Bytes that are passed over and read in turn; 0 and any where all are read. */
let skipSize: u32 = 0;
let readSize: u32 = u32.MAX_VALUE;
let isSkipping: bool = false;
/** How many more are. */
let left: u32 = 0;

/** A new value. */
export function begin(): void {
  beginParts(0, u32.MAX_VALUE);
}

/** A new value, of which `skipped` bytes are passed over, `read` are read, and so on. */
export function beginParts(skipped: u32, read: u32): void {
  text.reset();
  skipSize = skipped;
  readSize = read;
  take(skipped > 0);
}

export function feed(at: usize, length: usize): void {
  text.feed(at, length);
  while (true) {
    if (isSkipping) {
      const isOver = text.skip(left);
      left -= min(left, <u32>text.wireBytes);
      if (!isOver) return;
      take(false);
    } else {
      if (!text.next(left)) return;
      if (text.length) traceRun(text.at, text.length);
      left -= min(left, <u32>text.wireBytes);
      if (left == 0) take(skipSize > 0);
    }
  }
}

function take(skipped: bool): void {
  isSkipping = skipped;
  left = skipped ? skipSize : readSize;
}
