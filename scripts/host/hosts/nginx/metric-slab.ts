import { crc32 } from "node:zlib";
import { MetricType } from "../../abi.ts";
import type { MetricStore, Series } from "../../metrics.ts";

/** A node of the tree of metrics without its name and values: ngx_wa_shm_kv_node_t. */
const NODE_BYTES = 96;
const PAGE_BYTES = 4096;
const SLOT_BYTES = 16;
/** A histogram's own block with its first five bins: NGX_WA_METRICS_HISTOGRAM_BINS_INIT. */
const HISTOGRAM_BYTES = 64;

/** The sizes that NGINX's configuration sets for metrics. */
export interface MetricLimits {
  readonly slabBytes: number;
  readonly nameBytes: number;
  readonly workers: number;
}

/** The shared memory with the metrics of all workers (ngx_wa_metrics.c). A metric's id is the CRC-32 of its name. */
export class MetricSlab {
  readonly #series = new Map<number, Series>();
  readonly #limits: MetricLimits;
  readonly #store: MetricStore;
  #used = 0;

  constructor(store: MetricStore, limits: MetricLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** The id of a metric. Creates it if it does not exist. A text says why not. */
  define(moduleName: string, type: MetricType, name: string): number | string {
    const full = `pw:${moduleName}:${name}`;
    const length = Buffer.byteLength(full);
    if (length > this.#limits.nameBytes) return `could not define metric: name "${name}" too long`;
    const id = crc32(full);
    if (this.#series.has(id)) return id;
    const size = NODE_BYTES + length + 8 + SLOT_BYTES * this.#limits.workers;
    this.#used += blockSize(size) + (type === MetricType.Histogram ? HISTOGRAM_BYTES : 0);
    if (this.#used > this.#limits.slabBytes) {
      return `could not define metric "${name}": no memory (increase "slab_size" directive)`;
    }
    this.#series.set(id, this.#store.define(type, name));
    return id;
  }

  /** Adds to a counter. A text says why not. */
  increment(id: number, delta: bigint): string | undefined {
    const series = this.#series.get(id >>> 0);
    if (series === undefined) return `could not increment metric id "${id >>> 0}": metric not found`;
    if (series.type !== MetricType.Counter) return `could not increment metric id "${id >>> 0}": metric not a counter`;
    series.value = BigInt.asUintN(64, series.value + delta);
    return undefined;
  }

  /** Sets a gauge, of which readers get the value that was written last in any worker, or adds a value to a histogram. A text
   *  says why not. */
  record(id: number, value: bigint): string | undefined {
    const series = this.#series.get(id >>> 0);
    if (series === undefined) return `could not record value in metric id "${id >>> 0}": metric not found`;
    if (series.type === MetricType.Counter)
      return `could not record value in metric id "${id >>> 0}": metric is a counter`;
    if (series.type === MetricType.Histogram) series.values.push(Number(value));
    else series.value = value;
    return undefined;
  }
}

/** The size of the block that NGINX's slab allocator uses. */
function blockSize(size: number): number {
  if (size > PAGE_BYTES / 2) return Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
  return 2 ** Math.ceil(Math.log2(size));
}
