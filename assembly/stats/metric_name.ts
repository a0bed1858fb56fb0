import { Bytes } from "../memory/bytes";

/** Room for the longest name: all labels of a family, each with its longest value. */
const CAPACITY: i32 = 2048;

/**
 * Writes a metric's name with its labels inside, as Envoy's `stats_config.stats_tags` (and Istio's `extraStatTags`) lift
 * them out: `label=.=value;.;…name`. The labels come first, since Envoy trims what ends a name.
 */
export class MetricName {
  private block: StaticArray<u8> = new StaticArray<u8>(CAPACITY);
  /** How many bytes have been written, from {@link at} on. */
  length: i32 = 0;

  get at(): usize {
    return changetype<usize>(this.block);
  }

  clear(): void {
    this.length = 0;
  }

  /** A label and its value as bytes; left out where the value is empty, which Prometheus holds for the same. */
  label(name: string, value: Bytes): void {
    if (value.length == 0) return;
    this.text(name);
    this.text("=.=");
    this.bytes(value.at, value.length);
    this.text(";.;");
  }

  /** A label and its value as ASCII text. */
  labelText(name: string, value: string): void {
    if (value.length == 0) return;
    this.text(name);
    this.text("=.=");
    this.text(value);
    this.text(";.;");
  }

  /** ASCII text as it is. */
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
