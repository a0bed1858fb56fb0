import { Bytes } from "../memory/bytes";

/** Enough bytes for the longest name: all labels of a family, each with its longest value. */
const CAPACITY: i32 = 2048;

/**
 * Writes a metric's name with its labels encoded inside: `label=.=value;.;…name`. Envoy's `stats_config.stats_tags`
 * (and Istio's `extraStatTags`) extract them. The labels come first, because Envoy trims the end of names.
 */
export class MetricName {
  private block: StaticArray<u8> = new StaticArray<u8>(CAPACITY);
  /** Number of bytes written at {@link at}. */
  length: i32 = 0;

  get at(): usize {
    return changetype<usize>(this.block);
  }

  clear(): void {
    this.length = 0;
  }

  /** Writes a label and its value. Omits it if the value is empty, which Prometheus treats as no label. */
  label(name: string, value: Bytes): void {
    if (value.length == 0) return;
    this.text(name);
    this.text("=.=");
    this.bytes(value.at, value.length);
    this.text(";.;");
  }

  /** Writes a label and its value in ASCII. Omits it if the value is empty. */
  labelText(name: string, value: string): void {
    if (value.length == 0) return;
    this.text(name);
    this.text("=.=");
    this.text(value);
    this.text(";.;");
  }

  /** Writes ASCII text unchanged. */
  text(text: string): void {
    if (this.length + text.length > CAPACITY) return;
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, this.at + this.length);
    this.length += text.length;
  }

  private bytes(at: usize, length: i32): void {
    if (this.length + length > CAPACITY) return;
    memory.copy(this.at + this.length, at, length);
    this.length += length;
  }
}
