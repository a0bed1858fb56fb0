/** The shared data of a proxy process, which all VMs with one vm_id access. Keys are never freed. */
export class SharedDataStore {
  readonly #values = new Map<string, { bytes: Uint8Array; cas: number }>();
  #lastCas = 0;

  /** The value of a key and its version. */
  get(key: string): { bytes: Uint8Array; cas: number } | undefined {
    return this.#values.get(key);
  }

  /** Writes like Envoy: cas 0 always succeeds; for a missing key, any cas creates it; otherwise the cas must be the value's
   *  version. */
  set(key: string, bytes: Uint8Array, cas: number): boolean {
    const present = this.#values.get(key);
    if (present !== undefined && cas !== 0 && cas !== present.cas) return false;
    this.#lastCas += 1;
    this.#values.set(key, { bytes: Uint8Array.from(bytes), cas: this.#lastCas });
    return true;
  }

  /** All keys. */
  keys(): string[] {
    return [...this.#values.keys()];
  }

  /** The total size of all keys and values in bytes. */
  get size(): number {
    return [...this.#values].reduce((sum, [key, { bytes }]) => sum + key.length + bytes.length, 0);
  }
}
