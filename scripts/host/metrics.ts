import { MetricType, Result } from "./abi.ts";
import { decodeMetricName, formatMetricName, hasLabels, type MetricName } from "./metric-name.ts";

/** The recorded values of a histogram, in order. */
export interface Histogram {
  count: number;
  sum: number;
  values: number[];
}

/** A selector: a series is selected if it has all of these labels. */
export type LabelSelector = Readonly<Record<string, string>>;

/** One metric with its labels. Gauges and counters have `value`, histograms `values`. */
export interface Series {
  readonly type: MetricType;
  readonly metric: MetricName;
  value: bigint;
  values: number[];
}

/** The metrics of a whole proxy process: VMs share one store, as Envoy's workers do. */
export class MetricStore {
  readonly #series = new Map<string, Series>();

  /** Finds or creates the series with this type and encoded name. */
  define(type: MetricType, encoded: string): Series {
    const key = `${type} ${encoded}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { type, metric: decodeMetricName(encoded), value: 0n, values: [] };
      this.#series.set(key, series);
    }
    return series;
  }

  /** All counters by their rendered name, `name{label="value"}`. */
  counters(name?: string): Record<string, number> {
    return this.#numbers(MetricType.Counter, name);
  }

  /** All gauges by their rendered name. */
  gauges(name?: string): Record<string, number> {
    return this.#numbers(MetricType.Gauge, name);
  }

  /** All histograms by their rendered name. */
  histograms(name?: string): Record<string, Histogram> {
    const all: Record<string, Histogram> = {};
    for (const { metric, values } of this.#select(MetricType.Histogram, name)) {
      all[formatMetricName(metric)] = summary(values);
    }
    return all;
  }

  /** The sum of the counters with this name that have these labels; 0 if there are none. */
  counter(name: string, labels: LabelSelector = {}): number {
    return this.#sum(MetricType.Counter, name, labels);
  }

  /** The sum of the gauges with this name that have these labels; 0 if there are none. */
  gauge(name: string, labels: LabelSelector = {}): number {
    return this.#sum(MetricType.Gauge, name, labels);
  }

  /** The values of all histograms with this name that have these labels. */
  histogram(name: string, labels: LabelSelector = {}): Histogram {
    return summary(this.#select(MetricType.Histogram, name, labels).flatMap(({ values }) => values));
  }

  /** The sorted values of a label in all series, or in those with this name. */
  labelValues(label: string, name?: string): string[] {
    const values = new Set<string>();
    for (const { metric } of this.#series.values()) {
      const value = metric.labels[label];
      if (value !== undefined && (name === undefined || metric.name === name)) values.add(value);
    }
    return [...values].sort();
  }

  /** The number of series of all types. */
  get size(): number {
    return this.#series.size;
  }

  /** Clears all values. The series stay, since modules keep their ids. */
  reset(): void {
    for (const series of this.#series.values()) {
      series.value = 0n;
      series.values = [];
    }
  }

  #select(type: MetricType, name?: string, labels: LabelSelector = {}): Series[] {
    return [...this.#series.values()].filter(
      (series) =>
        series.type === type && (name === undefined || series.metric.name === name) && hasLabels(series.metric, labels),
    );
  }

  #numbers(type: MetricType, name?: string): Record<string, number> {
    const entries = this.#select(type, name).map(
      ({ metric, value }) => [formatMetricName(metric), Number(value)] as const,
    );
    return Object.fromEntries(entries);
  }

  #sum(type: MetricType, name: string, labels: LabelSelector): number {
    return this.#select(type, name, labels).reduce((sum, { value }) => sum + Number(value), 0);
  }
}

/**
 * The metric ids of one VM. Envoy assigns a new id at every definition, even for an existing name, and stores the type in
 * the id's low two bits.
 */
export class MetricIds {
  readonly #store: MetricStore;
  readonly #series = new Map<number, Series>();

  constructor(store: MetricStore) {
    this.#store = store;
  }

  /** A new id for the series. */
  define(type: MetricType, encoded: string): number {
    const id = (this.#series.size + 1) * 4 + type;
    this.#series.set(id, this.#store.define(type, encoded));
    return id;
  }

  /** Adds to a counter or gauge. Counters accept positive numbers only; histograms do not support this. */
  increment(id: number, delta: bigint): number {
    const type = id & 3;
    if (type !== MetricType.Counter && type !== MetricType.Gauge) return Result.BadArgument;
    const series = this.#series.get(id);
    if (series === undefined) return Result.NotFound;
    if (type === MetricType.Counter && delta <= 0n) return Result.BadArgument;
    series.value = BigInt.asUintN(64, series.value + delta);
    return Result.Ok;
  }

  /** Sets a gauge, adds to a counter, or records a value in a histogram. */
  record(id: number, value: bigint): number {
    const series = this.#series.get(id);
    if (series === undefined) return Result.NotFound;
    if (series.type === MetricType.Histogram) series.values.push(Number(value));
    else if (series.type === MetricType.Gauge) series.value = value;
    else series.value = BigInt.asUintN(64, series.value + value);
    return Result.Ok;
  }
}

function summary(values: number[]): Histogram {
  return { count: values.length, sum: values.reduce((sum, value) => sum + value, 0), values };
}
