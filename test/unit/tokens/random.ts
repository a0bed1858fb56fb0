import { createHash } from "node:crypto";

/** A source of bytes that look random and follow from a seed. */
export function randomBytes(seed: string): (count: number) => Buffer {
  let drawn = 0;
  return (count) => {
    const blocks = Array.from({ length: Math.ceil(count / 32) }, () =>
      createHash("sha256").update(`${seed} ${drawn++}`).digest(),
    );
    return Buffer.concat(blocks).subarray(0, count);
  };
}
