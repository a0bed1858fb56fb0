import { Bytes } from "./bytes";
import { SHA256_SIZE, Sha256 } from "./sha256";

const BLOCK: i32 = 64;
const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

/** HMAC-SHA-256 (RFC 2104) with one key. */
export class Hmac {
  private inner: Bytes;
  private outer: Bytes;
  private sha: Sha256 = Sha256.create();

  /** @param key any text; its UTF-8 encoding is the key. */
  constructor(key: string) {
    const block = Bytes.ofSize(BLOCK);
    const bytes = Bytes.of(key);
    this.inner = block;
    this.outer = block;
    if (bytes.length <= BLOCK) {
      memory.copy(block.at, bytes.at, bytes.length);
    } else {
      this.sha.feed(bytes.at, bytes.length);
      this.sha.finish(block.at);
    }
    this.inner = padded(block, INNER);
    this.outer = padded(block, OUTER);
  }

  /** Writes the authentication code of the `length` bytes at `at`, {@link SHA256_SIZE} bytes, to `to`. */
  write(at: usize, length: i32, to: usize): void {
    const sha = this.sha;
    sha.feed(this.inner.at, BLOCK);
    sha.feed(at, length);
    sha.finish(to);
    sha.feed(this.outer.at, BLOCK);
    sha.feed(to, SHA256_SIZE);
    sha.finish(to);
  }
}

function padded(block: Bytes, pad: u8): Bytes {
  const result = Bytes.ofSize(BLOCK);
  for (let i = 0; i < BLOCK; i++) store<u8>(result.at + i, load<u8>(block.at + i) ^ pad);
  return result;
}
