import { readFileSync } from "node:fs";

import { type ASUtil, instantiateSync } from "@assemblyscript/loader";

import { SharedDataStore } from "../../scripts/host/shared-data.ts";
import { modulePath } from "../modules.ts";

/** The exports of every module in modules/. */
interface Common extends Record<string, unknown> {
  allocate(size: number): number;
}

/** Follows the bytes passed to the module, and replaces them afterwards, so that reading beyond the end changes the result.
 *  It is plain text, a hexadecimal digit, and the end of literals, since a byte that ends the preceding value would hide a
 *  fast path that reads beyond the end. */
const FILLER = "e".charCodeAt(0);
const SLACK = 64;

/** An instance of one of modules/*.ts, which reads bytes and reports its results by calling `trace`. Instances with the same
 *  shared data correspond to the workers of a proxy. */
export class TestModule<Exports extends object> {
  readonly exports: Exports & ASUtil & Common;
  #at = 0;
  #capacity = 0;

  constructor(
    name: string,
    trace: Record<string, (...values: never[]) => unknown> = {},
    shared: SharedDataStore = new SharedDataStore(),
  ) {
    const bytes = readFileSync(modulePath(`test/unit/modules/${name}.ts`));
    const imports = { trace, shared: this.#sharedImports(shared) };
    this.exports = instantiateSync<Exports & Common>(bytes, imports).exports;
  }

  /** Copies bytes to the module's memory while `use` runs. */
  lend<Result>(bytes: Uint8Array, use: (at: number, length: number) => Result): Result {
    if (bytes.length > this.#capacity) this.#grow(bytes.length);
    new Uint8Array(this.#memory, this.#at, bytes.length).set(bytes);
    try {
      return use(this.#at, bytes.length);
    } finally {
      new Uint8Array(this.#memory, this.#at, bytes.length).fill(FILLER);
    }
  }

  /** A copy of bytes in the module's memory. */
  bytes(at: number, length: number): Buffer {
    return Buffer.from(Buffer.from(this.#memory, at, length));
  }

  /** A string of the module's. */
  string(at: number): string {
    return this.exports.__getString(at);
  }

  #sharedImports(shared: SharedDataStore): Record<string, (...values: number[]) => unknown> {
    const keyAt = (at: number, length: number): string => this.bytes(at, length).toString("latin1");
    return {
      read: (key, keyLength, to, capacity): bigint => {
        const found = shared.get(keyAt(key, keyLength));
        if (found === undefined) return 0n;
        const bytes = found.bytes.subarray(0, capacity);
        new Uint8Array(this.#memory, to, bytes.length).set(bytes);
        return (BigInt(found.cas) << 32n) | BigInt(bytes.length);
      },
      write: (key, keyLength, value, length, version): boolean =>
        // The module passes 32-bit numbers as signed.
        shared.set(keyAt(key, keyLength), this.bytes(value, length), version >>> 0),
    };
  }

  get #memory(): ArrayBuffer {
    return this.exports.memory!.buffer;
  }

  #grow(size: number): void {
    this.#capacity = Math.max(1024, size * 2);
    this.#at = this.exports.allocate(this.#capacity + SLACK);
    new Uint8Array(this.#memory, this.#at, this.#capacity + SLACK).fill(FILLER);
  }
}
