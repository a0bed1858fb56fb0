import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { Headers } from "../host/headers";
import { Level, Log } from "../host/log";
import { Metrics } from "../host/metrics";
import { Properties } from "../host/properties";
import { Random } from "../host/random";
import {
  BufferType,
  HeaderMapType,
  MetricType,
  Status,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_property,
  proxy_increment_metric,
  proxy_log,
  proxy_record_metric,
  proxy_set_property,
  proxy_set_tick_period_milliseconds,
  random_get,
} from "./abi";
import { clearResults, results } from "./results";

/** The time that the callback being served goes by; 0 until it is asked for. */
let time: u64 = 0;

/** Lets the next callback go by its own time. */
export function forgetTime(): void {
  time = 0;
}

/** The proxy's clock: it stands still while a callback lasts. */
export class HostClock extends Clock {
  now(): u64 {
    if (time == 0) {
      proxy_get_current_time_nanoseconds(results);
      time = load<u64>(results);
    }
    return time;
  }
}

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

/** The proxy's source of randomness. */
export class HostRandom extends Random {
  next(): u64 {
    random_get(results, 8);
    return load<u64>(results);
  }
}

/** Room for the longest path of a property. */
const PATH_LIMIT: i32 = 1024;
const PATH: usize = memory.data(1024);
const DOT: u8 = 0x2e;

/** The attributes that the proxy knows of a stream. */
export class HostProperties extends Properties {
  find(path: string): bool {
    // The ABI parts a path's segments by NUL.
    writePath(path, 0);
    return this.get(path.length);
  }

  findSegments(path: string): bool {
    if (path.length > PATH_LIMIT) return false;
    writePath(path, DOT);
    return this.get(path.length);
  }

  private get(pathLength: i32): bool {
    clearResults();
    const status = proxy_get_property(PATH, pathLength, results, results + sizeof<usize>());
    this.isThere = status == Status.Ok;
    this.isMissing = status == Status.NotFound;
    this.length = 0;
    if (!this.isThere) return false;
    this.at = load<usize>(results);
    this.length = load<i32>(results, sizeof<usize>());
    return this.length > 0;
  }
}

/** The stream's filter state. Envoy keeps it under `wasm.` and the name. */
export class HostFilterState extends FilterState {
  set(name: string, value: usize, length: i32): void {
    writePath(name, DOT);
    proxy_set_property(PATH, name.length, value, length);
  }
}

/** Writes a path to {@link PATH}, with this byte for each dot. */
function writePath(path: string, separator: u8): void {
  const from = changetype<usize>(path);
  for (let i = 0; i < path.length; i++) {
    const unit = load<u8>(from + (i << 1));
    store<u8>(PATH + i, unit == DOT ? separator : unit);
  }
}

/** The proxy's log. */
export class HostLog extends Log {
  write(level: Level, line: string): void {
    if (level < this.level) return;
    const bytes = String.UTF8.encode(line);
    proxy_log(level, changetype<usize>(bytes), bytes.byteLength);
  }

  writeBytes(level: Level, at: usize, length: i32): void {
    if (level >= this.level) proxy_log(level, at, length);
  }
}

/** Headers as the host serializes them: the count, the lengths of each name and value, then each with a NUL behind. */
export class HostHeaders extends Headers {
  private left: u32 = 0;
  private lengths: usize = 0;
  private text: usize = 0;

  /** Reads all headers of the message: one host call. */
  open(type: HeaderMapType): void {
    this.left = 0;
    clearResults();
    if (proxy_get_header_map_pairs(type, results, results + sizeof<usize>()) != Status.Ok) return;
    const at = load<usize>(results);
    if (load<usize>(results, sizeof<usize>()) < sizeof<u32>()) return;
    this.left = load<u32>(at);
    this.lengths = at + sizeof<u32>();
    this.text = this.lengths + <usize>this.left * 8;
  }

  next(): bool {
    if (this.left == 0) return false;
    this.left--;
    this.nameLength = load<i32>(this.lengths);
    this.valueLength = load<i32>(this.lengths, 4);
    this.lengths += 8;
    this.name = this.text;
    this.value = this.name + this.nameLength + 1;
    this.text = this.value + this.valueLength + 1;
    return true;
  }
}

/** A run of bytes of one of the host's buffers, read by one host call each. */
export class BufferSlice {
  at: usize = 0;
  length: usize = 0;

  /** Reads at most `maxLength` bytes from `start` on: one host call. False where there are none. */
  read(type: BufferType, start: usize, maxLength: usize): bool {
    this.length = 0;
    clearResults();
    if (proxy_get_buffer_bytes(type, start, maxLength, results, results + sizeof<usize>()) != Status.Ok) return false;
    this.at = load<usize>(results);
    this.length = load<usize>(results, sizeof<usize>());
    return this.length > 0;
  }
}

/** Asks for a tick of the plugin instance being served every `milliseconds`; 0 for none. */
export function setTickPeriod(milliseconds: u32): void {
  proxy_set_tick_period_milliseconds(milliseconds);
}
