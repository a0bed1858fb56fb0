import { Bytes } from "../../memory/bytes";

/** What produces the spans: attributes of an OTLP `Resource`, and the scope that all spans have. */
export class Resource {
  readonly names: Bytes[] = [];
  /** In the order of the names; any bytes. */
  readonly values: Bytes[] = [];

  /** @param scope the name of the instrumentation scope.
   *  @param version that of the scope. */
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
