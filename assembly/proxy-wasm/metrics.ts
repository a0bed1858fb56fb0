import { Metrics } from "../host/metrics";
import { MetricType, proxy_define_metric, proxy_increment_metric, proxy_record_metric } from "./module/abi";
import { clearResults, results } from "./module/results";

/** The proxy's metrics. */
export class HostMetrics extends Metrics {
  counter(name: usize, length: i32): u32 {
    return this.define(MetricType.Counter, name, length);
  }

  gauge(name: usize, length: i32): u32 {
    return this.define(MetricType.Gauge, name, length);
  }

  histogram(name: usize, length: i32): u32 {
    return this.define(MetricType.Histogram, name, length);
  }

  add(id: u32, amount: u64): void {
    proxy_increment_metric(id, amount);
  }

  record(id: u32, value: u64): void {
    proxy_record_metric(id, value);
  }

  private define(type: MetricType, name: usize, length: i32): u32 {
    clearResults();
    proxy_define_metric(type, name, length, results);
    return load<u32>(results);
  }
}
