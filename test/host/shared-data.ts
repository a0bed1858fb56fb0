/** The shared data of a whole proxy process: what all VMs of one vm_id see. Keys are never freed. */
export class SharedDataStore {
  readonly #values = new Map<string, { bytes: Uint8Array; cas: number }>();
  #lastCas = 0;

  /** The value under a key and its version. */
  get(key: string): { bytes: Uint8Array; cas: number } | undefined {
    return this.#values.get(key);
  }

  /** Writes as Envoy does: cas 0 always; on a missing key any cas creates; else it must be the value's. */
  set(key: string, bytes: Uint8Array, cas: number): boolean {
    const present = this.#values.get(key);
    if (present !== undefined && cas !== 0 && cas !== present.cas) return false;
    this.#lastCas += 1;
    this.#values.set(key, { bytes: Uint8Array.from(bytes), cas: this.#lastCas });
    return true;
  }

  /** All keys there are. */
  keys(): string[] {
    return [...this.#values.keys()];
  }

  /** Bytes of all keys and values. */
  get size(): number {
    return [...this.#values].reduce((sum, [key, { bytes }]) => sum + key.length + bytes.length, 0);
  }
}
