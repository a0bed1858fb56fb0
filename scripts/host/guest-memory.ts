import type { HeaderList } from "./abi.ts";

/** Bytes are copied into the module through its own allocator, as the ABI requires. */
export type Allocate = (size: number) => number;

/** The host's view of a module's linear memory. Typed arrays are created for each access, since growing the memory detaches
 *  old ones. */
export class GuestMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #allocate: Allocate;

  constructor(memory: WebAssembly.Memory, allocate: Allocate) {
    this.#memory = memory;
    this.#allocate = allocate;
  }

  /** Size in pages of 64 KiB. It never shrinks. */
  get pages(): number {
    return this.#memory.buffer.byteLength / 65_536;
  }

  /** A copy of the bytes at an address. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address >>> 0, length >>> 0).slice();
  }

  /** The UTF-8 text at an address. */
  text(address: number, length: number): string {
    return Buffer.from(this.#memory.buffer, address >>> 0, length >>> 0).toString("utf8");
  }

  /** The bytes at an address, each as the character of the same number. */
  latin1(address: number, length: number): string {
    return Buffer.from(this.#memory.buffer, address >>> 0, length >>> 0).toString("latin1");
  }

  /** The u32 at an address. */
  u32(address: number): number {
    return new DataView(this.#memory.buffer).getUint32(address >>> 0, true);
  }

  /** Writes bytes. */
  write(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.#memory.buffer, address >>> 0, bytes.length).set(bytes);
  }

  /** Writes a u32. */
  writeU32(address: number, value: number): void {
    new DataView(this.#memory.buffer).setUint32(address >>> 0, value, true);
  }

  /** Writes a u64. */
  writeU64(address: number, value: bigint): void {
    new DataView(this.#memory.buffer).setBigUint64(address >>> 0, value, true);
  }

  /** Passes bytes to the module: allocates memory in it, and stores the address and length. Zero bytes need no memory. */
  give(bytes: Uint8Array, addressOut: number, lengthOut: number): void {
    let address = 0;
    if (bytes.length > 0) {
      address = this.#allocate(bytes.length) >>> 0;
      if (address === 0) throw new Error(`the module's allocator gave no room for ${bytes.length} bytes`);
      new Uint8Array(this.#memory.buffer, address, bytes.length).set(bytes);
    }
    this.writeU32(addressOut, address);
    this.writeU32(lengthOut, bytes.length);
  }
}

/** Headers as serialized by the ABI: the count, all lengths, then names and values, each followed by a zero byte. */
export function serializePairs(headers: HeaderList): Uint8Array {
  // For an empty header map, Envoy passes zero bytes instead of a count of zero.
  if (headers.length === 0) return new Uint8Array(0);
  const texts = headers.flat().map((text) => Buffer.from(text));
  const out = Buffer.alloc(4 + texts.reduce((size, text) => size + 4 + text.length + 1, 0));
  let at = out.writeUInt32LE(headers.length, 0);
  for (const text of texts) at = out.writeUInt32LE(text.length, at);
  for (const text of texts) at += text.copy(out, at) + 1;
  return out;
}

/** The headers that {@link serializePairs} has serialized. */
export function parsePairs(bytes: Uint8Array): HeaderList {
  const data = Buffer.from(bytes);
  if (data.length < 4) return [];
  const count = data.readUInt32LE(0);
  let at = 4 + count * 8;
  return Array.from({ length: count }, (_, index) => {
    const sizes = [data.readUInt32LE(4 + index * 8), data.readUInt32LE(8 + index * 8)] as const;
    const name = data.toString("utf8", at, at + sizes[0]);
    const value = data.toString("utf8", at + sizes[0] + 1, at + sizes[0] + 1 + sizes[1]);
    at += sizes[0] + sizes[1] + 2;
    return [name, value] as const;
  });
}
