import { createHash } from "node:crypto";
import { type MetricName, MetricStore, MetricType, decodeMetricName } from "../../host/index.ts";

/** A series that the filter defined. */
export interface Defined {
  readonly type: MetricType;
  readonly metric: MetricName;
}

/** A store whose counters can be compared with those of another store in constant time. */
export class WatchedStore extends MetricStore {
  /** Equal for two stores if and only if their counters are equal, except with a probability of 1 in 2⁶⁴. */
  digest = 0n;
  readonly defined: Defined[] = [];

  override define(type: MetricType, encoded: string): ReturnType<MetricStore["define"]> {
    const size = this.size;
    const series = super.define(type, encoded);
    if (this.size === size) return series;
    this.defined.push({ type, metric: decodeMetricName(encoded) });
    if (type === MetricType.Counter) this.#watch(series, encoded);
    return series;
  }

  #watch(series: { value: bigint }, name: string): void {
    // The time of retries is random, and so is the number of spans that expire or are dropped.
    if (name.includes("mcp_trace_spans_total")) return;
    const weight = createHash("sha1").update(name).digest().readBigUInt64LE();
    let value = series.value;
    Object.defineProperty(series, "value", {
      get: () => value,
      set: (next: bigint) => {
        this.digest = BigInt.asUintN(64, this.digest + (next - value) * weight);
        value = next;
      },
    });
  }
}
