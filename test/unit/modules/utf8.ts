import { Utf8Validator } from "../../../assembly/json/utf8";
import { JsonWriter } from "../../../assembly/json/writer";

export { allocate } from "./common/allocate";

const check = changetype<Utf8Validator>(heap.alloc(offsetof<Utf8Validator>()));
const writer = new JsonWriter();

export function begin(): void {
  check.reset();
}

export function feed(at: usize, length: i32): bool {
  return check.feed(at, length);
}

export function isComplete(): bool {
  return check.isComplete;
}

/** Rewrites a document. */
export function beginDocument(): void {
  writer.clear();
}

export function writeRaw(at: usize, length: i32): void {
  writer.raw(String.UTF8.decodeUnsafe(at, length));
}

export function writeText(at: usize, length: i32): void {
  writer.text(at, length);
}

export function writeBytes(at: usize, length: i32): void {
  writer.bytes(at, length);
}

export function documentAt(): usize {
  return writer.at;
}

export function documentLength(): i32 {
  return writer.length;
}
