import { Sha256 } from "../../../assembly/memory/sha256";

export { allocate } from "./common/allocate";

const hash = Sha256.create();

export function feed(at: usize, length: i32): void {
  hash.feed(at, length);
}

/** Writes the digest to `to`. */
export function finish(to: usize): void {
  hash.finish(to);
}
