import { Bytes } from "../../memory/bytes";

/** The producer of the spans: the attributes of an OTLP `Resource`, and the scope of all spans. */
export class Resource {
  readonly names: Bytes[] = [];
  /** The values in the order of the names. They may be any bytes. */
  readonly values: Bytes[] = [];

  /**
   * @param scope the name of the instrumentation scope
   * @param version the version of the scope
   */
  constructor(
    readonly scope: string,
    readonly version: string,
  ) {}

  /** Adds an attribute, unless there is one of this name. */
  add(name: string, value: Bytes): void {
    const bytes = Bytes.of(name);
    for (let i = 0; i < this.names.length; i++) {
      if (this.names[i].equals(bytes.at, bytes.length)) return;
    }
    this.names.push(bytes);
    this.values.push(value);
  }
}
