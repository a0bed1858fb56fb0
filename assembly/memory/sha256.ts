/** The size of a digest, in bytes. */
export const SHA256_SIZE: i32 = 32;

const BLOCK: usize = 64;
/** The offset of the message length in the last block, in bytes. */
const LENGTH_AT: usize = 56;

/** The constants of the 64 rounds (FIPS 180-4, 4.2.2). */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);
/** The initial hash value (5.3.3). */
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
/** The message schedule of the current block: 64 words. */
const SCHEDULE: usize = memory.data(256, 8);

/** SHA-256 (FIPS 180-4) of a byte stream, fed in chunks. The chunk boundaries do not affect the digest. */
@unmanaged
export class Sha256 {
  private length: u64;

  static create(): Sha256 {
    const self = changetype<Sha256>(heap.alloc(offsetof<Sha256>() + <usize>SHA256_SIZE + BLOCK));
    self.reset();
    return self;
  }

  /** Prepares for another message. */
  reset(): void {
    this.length = 0;
    memory.copy(this.state, INITIAL, SHA256_SIZE);
  }

  feed(at: usize, length: usize): void {
    const end = at + length;
    const held = <usize>(this.length % BLOCK);
    this.length += length;
    if (held) {
      const size = min(BLOCK - held, length);
      memory.copy(this.rest + held, at, size);
      at += size;
      if (held + size < BLOCK) return;
      compress(this.state, this.rest);
    }
    for (; at + BLOCK <= end; at += BLOCK) compress(this.state, at);
    memory.copy(this.rest, at, end - at);
  }

  /** Writes the digest of all bytes since {@link reset}, {@link SHA256_SIZE} bytes, to `to`. Then it resets the state. */
  finish(to: usize): void {
    const rest = this.rest;
    let held = <usize>(this.length % BLOCK);
    store<u8>(rest + held++, 0x80);
    if (held > LENGTH_AT) {
      memory.fill(rest + held, 0, BLOCK - held);
      compress(this.state, rest);
      held = 0;
    }
    memory.fill(rest + held, 0, LENGTH_AT - held);
    store<u64>(rest, bswap<u64>(this.length << 3), LENGTH_AT);
    compress(this.state, rest);
    for (let i = 0; i < SHA256_SIZE; i += 4) store<u32>(to + i, bswap<u32>(load<u32>(this.state + i)));
    this.reset();
  }

  /** The address of the eight words of state, directly after this object. */
  private get state(): usize {
    return changetype<usize>(this) + offsetof<Sha256>();
  }

  /** The address of the bytes that do not fill a block yet, after the state. */
  private get rest(): usize {
    return this.state + <usize>SHA256_SIZE;
  }
}

/** Updates the state with the 64 bytes at `block` (6.2.2). */
function compress(state: usize, block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(SCHEDULE + i, bswap<u32>(load<u32>(block + i)));
  for (let i: usize = 64; i < 256; i += 4) {
    const w2 = load<u32>(SCHEDULE + i - 8);
    const w15 = load<u32>(SCHEDULE + i - 60);
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
    store<u32>(SCHEDULE + i, s1 + load<u32>(SCHEDULE + i - 28) + s0 + load<u32>(SCHEDULE + i - 64));
  }
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  for (let i: usize = 0; i < 256; i += 4) {
    const sum1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const t1 = h + sum1 + ((e & f) ^ (~e & g)) + load<u32>(K + i) + load<u32>(SCHEDULE + i);
    const sum0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}
