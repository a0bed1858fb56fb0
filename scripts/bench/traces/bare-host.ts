/**
 * The minimal proxy that drives the filter. Everything that it passes is prepared in advance, so that most of the time
 * is the filter's.
 */
import { randomFillSync } from "node:crypto";
import { BufferType, HeaderMap, type HeaderList, Result } from "../../host/abi.ts";
import { serializePairs } from "../../host/guest-memory.ts";
import { encodeProperty, type PropertyValue } from "../../host/properties.ts";
import { SharedDataStore } from "../../host/shared-data.ts";

/** One exchange as the filter sees it. */
export interface BareExchange {
  request: HeaderList;
  body: Buffer;
  response: HeaderList;
  /** The chunks of the response body. */
  parts: readonly Buffer[];
}

const ROOT = 1;
const START_NS = 1_795_000_000_000_000_000n;
/** Time that passes between two reads of the clock. */
const STEP_NS = 50_000n;
const SECOND_NS = 1_000_000_000n;

const PROPERTIES = Object.entries<PropertyValue>({
  plugin_root_id: "mcp",
  "source.address": "192.0.2.1:51234",
  "xds.cluster_name": "mcp_server",
  "xds.listener_direction": 0,
  "response.flags": 0,
  "response.code": 200,
  "response.code_details": "via_upstream",
});
const ACCEPTED: HeaderList = [
  [":status", "200"],
  ["content-type", "application/x-protobuf"],
];

/** Headers in the encodings of the ABI: all of them, and each value. */
interface Head {
  pairs: Uint8Array;
  values: ReadonlyMap<string, Uint8Array>;
}

type Callback = (...args: number[]) => number;

/** One instance of the filter. */
export class BareHost {
  /** Number of bytes that the collector received. */
  exported = 0;

  readonly #callbacks: Record<string, Callback>;
  readonly #memory: WebAssembly.Memory;
  readonly #shared = new SharedDataStore();
  readonly #properties = new Map(
    PROPERTIES.map(([path, value]) => [path.split(".").join("\0"), encodeProperty(value)] as const),
  );
  readonly #maps = new Map<number, Head>();
  readonly #heads = new Map<HeaderList, Head>();
  readonly #buffers = new Map<number, Uint8Array>();
  #view: DataView;
  #bytes: Uint8Array;
  #now = START_NS;
  #nextId = ROOT + 1;
  /** The sums of counters, indexed by metric id − 1. */
  readonly #counters: { name: string; sum: number }[] = [];
  #called: number[] = [];
  #tokens = 0;

  constructor(module: WebAssembly.Module, configuration: object) {
    const { exports } = new WebAssembly.Instance(module, this.#imports());
    this.#callbacks = exports as unknown as Record<string, Callback>;
    this.#memory = exports.memory as WebAssembly.Memory;
    this.#view = new DataView(this.#memory.buffer);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#callbacks._initialize();
    this.#callbacks.proxy_on_context_create(ROOT, 0);
    const bytes = Buffer.from(JSON.stringify(configuration));
    this.#buffers.set(BufferType.PluginConfiguration, bytes);
    const isConfigured = this.#callbacks.proxy_on_configure(ROOT, bytes.length);
    this.#buffers.clear();
    if (isConfigured === 0) throw new Error("The filter does not accept the configuration.");
  }

  /** Drives one exchange through the filter. */
  run({ request, body, response, parts }: BareExchange): void {
    const callbacks = this.#callbacks;
    const id = this.#nextId++;
    callbacks.proxy_on_context_create(id, ROOT);
    this.#maps.set(HeaderMap.RequestHeaders, this.#headOf(request));
    callbacks.proxy_on_request_headers(id, request.length, 0);
    this.#buffers.set(BufferType.RequestBody, body);
    callbacks.proxy_on_request_body(id, body.length, 1);
    this.#maps.set(HeaderMap.ResponseHeaders, this.#headOf(response));
    callbacks.proxy_on_response_headers(id, response.length, 0);
    for (const [index, part] of parts.entries()) {
      this.#buffers.set(BufferType.ResponseBody, part);
      callbacks.proxy_on_response_body(id, part.length, index + 1 === parts.length ? 1 : 0);
    }
    callbacks.proxy_on_log(id);
    callbacks.proxy_on_done(id);
    if (this.#called.length > 0) this.#answer();
  }

  /** Lets a second pass, and the timer fire. */
  tick(): void {
    this.#now += SECOND_NS;
    this.#callbacks.proxy_on_tick(ROOT);
    if (this.#called.length > 0) this.#answer();
  }

  /** The sum of the counters whose name, which includes the labels, contains all `parts`. */
  count(...parts: string[]): number {
    const counters = this.#counters.filter(({ name }) => parts.every((part) => name.includes(part)));
    return counters.reduce((all, { sum }) => all + sum, 0);
  }

  /** Responds as a collector that accepts the sent spans. */
  #answer(): void {
    this.#maps.set(HeaderMap.CalloutHeaders, this.#headOf(ACCEPTED));
    for (let token = this.#called.pop(); token !== undefined; token = this.#called.pop()) {
      this.#callbacks.proxy_on_http_call_response(ROOT, token, 2, 0, 0);
    }
  }

  #headOf(headers: HeaderList): Head {
    const known = this.#heads.get(headers);
    if (known !== undefined) return known;
    const values = new Map(headers.map(([name, value]) => [name, Buffer.from(value)] as const));
    const made = { pairs: serializePairs(headers), values };
    this.#heads.set(headers, made);
    return made;
  }

  #imports(): WebAssembly.Imports {
    const env: Record<string, (...args: never[]) => number> = {
      proxy_get_current_time_nanoseconds: (out: number) => {
        this.#now += STEP_NS;
        this.#refresh().setBigUint64(out, this.#now, true);
        return Result.Ok;
      },
      proxy_get_header_map_pairs: (map: number, addressOut: number, lengthOut: number) =>
        this.#give(this.#maps.get(map)!.pairs, addressOut, lengthOut),
      proxy_get_header_map_value: (map: number, at: number, length: number, addressOut: number, lengthOut: number) => {
        const value = this.#maps.get(map)!.values.get(this.#text(at, length));
        return value === undefined ? Result.NotFound : this.#give(value, addressOut, lengthOut);
      },
      proxy_get_buffer_bytes: (type: number, from: number, most: number, addressOut: number, lengthOut: number) => {
        const buffer = this.#buffers.get(type);
        if (buffer === undefined) return Result.NotFound;
        const bytes = from === 0 && most >= buffer.length ? buffer : buffer.subarray(from, from + most);
        return bytes.length === 0 ? Result.Ok : this.#give(bytes, addressOut, lengthOut);
      },
      proxy_get_property: (path: number, length: number, addressOut: number, lengthOut: number) => {
        const value = this.#properties.get(this.#text(path, length));
        return value === undefined ? Result.NotFound : this.#give(value, addressOut, lengthOut);
      },
      proxy_get_shared_data: (key: number, length: number, addressOut: number, lengthOut: number, casOut: number) => {
        const found = this.#shared.get(this.#text(key, length));
        if (found === undefined) return Result.NotFound;
        this.#view.setUint32(casOut, found.cas, true);
        return this.#give(found.bytes, addressOut, lengthOut);
      },
      proxy_set_shared_data: (key: number, length: number, at: number, size: number, cas: number) => {
        const bytes = this.#bytes.subarray(at, at + size);
        return this.#shared.set(this.#text(key, length), bytes, cas >>> 0) ? Result.Ok : Result.CasMismatch;
      },
      proxy_define_metric: (_type: number, name: number, length: number, idOut: number) => {
        const count = this.#counters.push({ name: this.#text(name, length), sum: 0 });
        this.#refresh().setUint32(idOut, count, true);
        return Result.Ok;
      },
      proxy_increment_metric: (id: number, by: bigint) => {
        this.#counters[id - 1].sum += Number(by);
        return Result.Ok;
      },
      proxy_http_call: (...args: number[]) => {
        this.exported += args[5];
        this.#called.push(++this.#tokens);
        this.#refresh().setUint32(args[9], this.#tokens, true);
        return Result.Ok;
      },
    };
    const random = (at: number, length: number) => {
      this.#refresh();
      randomFillSync(this.#bytes.subarray(at, at + length));
      return 0;
    };
    return { env: withDefaults(env), wasi_snapshot_preview1: { random_get: random } };
  }

  /** The view of the memory, renewed if the memory has grown. */
  #refresh(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) {
      this.#view = new DataView(this.#memory.buffer);
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    return this.#view;
  }

  #text(at: number, length: number): string {
    this.#refresh();
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#bytes[at + i]);
    return text;
  }

  #give(bytes: Uint8Array, addressOut: number, lengthOut: number): number {
    const at = bytes.length === 0 ? 0 : this.#callbacks.proxy_on_memory_allocate(bytes.length) >>> 0;
    const view = this.#refresh();
    if (bytes.length > 0) this.#bytes.set(bytes, at);
    view.setUint32(addressOut, at, true);
    view.setUint32(lengthOut, bytes.length, true);
    return Result.Ok;
  }
}

/** Host functions that are not implemented succeed and do nothing. */
function withDefaults(env: Record<string, (...args: never[]) => number>): WebAssembly.ModuleImports {
  return new Proxy(env, { get: (own, name) => own[name as string] ?? (() => Result.Ok) });
}
