import { COMMA, isSpace } from "../../json/characters";
import { BATCH_LIMIT } from "../../mcp/protocol/limits";
import { Pool } from "../../memory/pool";

const SPACE: u8 = 0x20;
const UNDERSCORE: u8 = 0x5f;
const OTHER_FILL: u8 = 0x78;
/** `denied_`, as the bytes of a little-endian number. */
const UNKNOWN: u64 = 0x5f_64_65_69_6e_65_64;
const UNKNOWN_LENGTH: usize = 7;

/** How a part of a body is changed. */
export enum RewriteKind {
  /** The name of a method becomes one that no server knows. The server responds to a request with an error, and
   *  ignores a notification. */
  Method,
  /** A message of a batch and one adjacent comma become white space. */
  Blank,
}

/** A changed part of a body. */
@unmanaged
class Rewrite {
  kind: RewriteKind;
  offset: u32;
  length: u32;
}

const REWRITE_SIZE: usize = offsetof<Rewrite>();

/** Changes to the body of a request that keep its size: at most one per message. Pooled. */
@unmanaged
export class Rewrites {
  private count: i32;
  private endOfMethods: usize;
  private hasBlanks: bool;

  static acquire(): Rewrites {
    return changetype<Rewrites>(pool.acquire());
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** Adds a change of `length` bytes: the name of a method without the quotes, or a message. The changes must be
   *  added in the order of their offsets. */
  add(kind: RewriteKind, offset: usize, length: usize): void {
    if (this.count == BATCH_LIMIT) return;
    const rewrite = this.get(this.count++);
    rewrite.kind = kind;
    rewrite.offset = <u32>offset;
    rewrite.length = <u32>length;
    if (kind == RewriteKind.Blank) this.hasBlanks = true;
    else this.endOfMethods = max(this.endOfMethods, offset + length);
  }

  /** Number of bytes at the start of a body of `size` bytes that {@link apply} needs. */
  reach(size: usize): usize {
    // The comma after a blanked message may be anywhere behind it.
    return this.hasBlanks ? size : min(this.endOfMethods, size);
  }

  /** Changes the first `length` bytes of the body, which are at `at`. */
  apply(at: usize, length: usize): void {
    let left = at;
    for (let i = 0; i < this.count; i++) {
      const rewrite = this.get(i);
      const from = at + rewrite.offset;
      if (rewrite.kind == RewriteKind.Method) hide(from, rewrite.length);
      else left = blank(left, from, from + rewrite.length, at + length);
    }
  }

  private get(index: i32): Rewrite {
    return changetype<Rewrite>(changetype<usize>(this) + offsetof<Rewrites>() + <usize>index * REWRITE_SIZE);
  }
}

const pool = new Pool(offsetof<Rewrites>() + <usize>BATCH_LIMIT * REWRITE_SIZE);

/** Replaces the name of a method by `denied_`, cut or padded to its length. The result always differs from the name. */
function hide(at: usize, length: usize): void {
  let isOther = false;
  for (let i: usize = 0; i < length; i++) {
    const byte = i < UNKNOWN_LENGTH ? <u8>(UNKNOWN >> (8 * i)) : UNDERSCORE;
    if (load<u8>(at + i) != byte) isOther = true;
    store<u8>(at + i, byte);
  }
  if (!isOther && length) store<u8>(at + length - 1, OTHER_FILL);
}

/**
 * Turns a message of a batch, from `from` to `end`, into white space, together with the comma before it, or the one
 * after it if it is the first remaining message. The batch ends at `limit`. From its bracket to `left` there is only
 * white space. Returns `left` for the next messages.
 */
function blank(left: usize, from: usize, end: usize, limit: usize): usize {
  memory.fill(from, SPACE, end - from);
  let before = from - 1;
  while (before > left && isSpace(load<u8>(before))) before--;
  if (load<u8>(before) == COMMA) {
    store<u8>(before, SPACE);
    return left;
  }
  let behind = end;
  while (behind < limit && isSpace(load<u8>(behind))) behind++;
  if (behind == limit || load<u8>(behind) != COMMA) return left;
  store<u8>(behind, SPACE);
  return behind;
}
