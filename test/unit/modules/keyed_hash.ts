import { keyedHash, setHashKey } from "../../../assembly/memory/keyed_hash";
import { StreamHash } from "../../../assembly/memory/stream_hash";

export { keyedTextHash as textHash } from "../../../assembly/memory/keyed_hash";
export { allocate } from "./common/allocate";

const stream = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));

export function setKey(first: u64, second: u64): void {
  setHashKey(first, second);
}

export function hash(at: usize, length: i32): u64 {
  return keyedHash(at, length);
}

export function streamHash(at: usize, length: i32): u64 {
  stream.reset();
  stream.feed(at, length);
  return stream.value;
}
