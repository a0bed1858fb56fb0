import { Body } from "../../host/body";
import { BodyWriter } from "../../host/body_writer";
import { KeptBytes } from "../../memory/kept_bytes";

/** The body of the current request: the bytes that the filter itself has kept, otherwise the proxy's. */
export class KeptBody extends Body {
  /** The address of the {@link KeptBytes}; 0 for none. */
  private keptAt: usize = 0;

  /** @param host the proxy's buffer */
  constructor(private host: Body) {
    super();
  }

  /** Shows these bytes until {@link hide}, which must be called before they are freed. */
  show(kept: KeptBytes): void {
    this.keptAt = changetype<usize>(kept);
  }

  hide(): void {
    this.keptAt = 0;
  }

  /** The bytes that are shown; null for the proxy's. */
  get kept(): KeptBytes | null {
    return this.keptAt ? changetype<KeptBytes>(this.keptAt) : null;
  }

  get at(): usize {
    return this.keptAt ? changetype<KeptBytes>(this.keptAt).at : this.host.at;
  }

  get length(): usize {
    return this.keptAt ? changetype<KeptBytes>(this.keptAt).length : this.host.length;
  }

  begin(size: usize): void {
    this.total = 0;
    if (!this.keptAt) this.host.begin(size);
  }

  next(): bool {
    const host = this.host;
    if (!this.keptAt) {
      const isThere = host.next();
      this.total = host.total;
      return isThere;
    }
    if (this.total) return false;
    this.total = changetype<KeptBytes>(this.keptAt).length;
    return this.total > 0;
  }
}

/** Changes the bytes that {@link KeptBody} shows. */
export class KeptBodyWriter extends BodyWriter {
  constructor(private body: KeptBody) {
    super();
  }

  /** Replaces the first `length` bytes. False if there are fewer bytes, or if `size` differs from `length`. */
  replace(length: usize, at: usize, size: usize): bool {
    const kept = this.body.kept;
    if (!kept || size != length || length > kept.length) return false;
    memory.copy(kept.at, at, size);
    return true;
  }

  prepend(_at: usize, _size: usize): bool {
    return false;
  }

  append(_at: usize, _size: usize): bool {
    return false;
  }
}
