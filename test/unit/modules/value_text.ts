import { ValueText } from "../../../assembly/json/value_text";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "run")
declare function traceRun(at: usize, length: usize): void;

const text = ValueText.create();

export function begin(): void {
  text.reset();
}

export function feed(at: usize, length: usize): void {
  text.feed(at, length);
  while (text.next()) traceRun(text.at, text.length);
}
