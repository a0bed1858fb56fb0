import { StreamHash } from "../../../assembly/memory/stream_hash";

export { allocate } from "./common/allocate";

const hash = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));

export function begin(): void {
  hash.reset();
}

export function feed(at: usize, length: usize): void {
  hash.feed(at, length);
}

export function value(): u64 {
  return hash.value;
}
