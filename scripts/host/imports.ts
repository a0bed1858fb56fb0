import {
  BufferType,
  type HeaderList,
  type HeaderMap,
  LOG_LEVELS,
  type LogLevel,
  MetricType,
  Result,
  StreamType,
} from "./abi.ts";
import type { Callouts } from "./callouts.ts";
import type { HostCalls } from "./calls.ts";
import type { Clock } from "./clock.ts";
import type { Context, Declaration } from "./context.ts";
import { type GuestMemory, parsePairs, serializePairs } from "./guest-memory.ts";
import type { MetricIds, MetricStore } from "./metrics.ts";
import type { HostObserver } from "./observer.ts";
import { encodeProperty } from "./properties.ts";
import type { SharedDataStore } from "./shared-data.ts";
import type { QueueOwner, SharedQueues } from "./shared-queues.ts";
import type { HostKind } from "./hosts/host-kind.ts";

/** The VM as seen by the imported functions. */
export interface HostState extends QueueOwner {
  readonly host: HostKind;
  readonly memory: GuestMemory;
  readonly context: Context;
  readonly step: string;
  readonly alerts: string[];
  readonly metrics: MetricStore;
  readonly metricIds: MetricIds;
  readonly clock: Clock;
  readonly sharedData: SharedDataStore;
  readonly queues: SharedQueues;
  readonly callouts: Callouts;
  readonly calls: HostCalls;
  readonly observer: HostObserver | undefined;
  random(size: number): Uint8Array;
  serve(id: number): boolean;
  log(level: LogLevel, message: string): void;
}

/** A module passes i32 as numbers and i64 as bigints, both signed. */
type Import = (...args: never[]) => number;

/** Imports of one module by name. */
export type Functions = Readonly<Record<string, Import>>;

/**
 * The functions that a module may import from this kind of host, by module. Any other import fails at instantiation, as in a
 * host without it. The imports of the filter are listed in filter/module.test.ts.
 */
export function hostImports(host: HostState): Record<string, Functions> {
  const { env, wasi } = envoyFunctions(host);
  return {
    env: observedAll(host, host.host.functions(host, env)),
    wasi_snapshot_preview1: observedAll(host, wasi),
  };
}

/** The functions as Envoy implements them. Other hosts replace some of `env`. */
function envoyFunctions(host: HostState): { env: Functions; wasi: Functions } {
  const edit = (map: number, change: (headers: HeaderList) => HeaderList): number =>
    host.context.editHeaders(map as HeaderMap, change) ? Result.Ok : Result.BadArgument;
  const env: Functions = {
    proxy_log(level: number, address: number, length: number) {
      const name = LOG_LEVELS[level];
      if (name === undefined) return Result.BadArgument;
      host.log(name, host.memory.text(address, length));
      return Result.Ok;
    },

    proxy_get_current_time_nanoseconds(out: number) {
      host.memory.writeU64(out, host.clock.now);
      return Result.Ok;
    },

    proxy_set_tick_period_milliseconds(period: number) {
      host.context.setTickPeriod(period >>> 0);
      return Result.Ok;
    },

    proxy_define_metric(type: number, address: number, length: number, idOut: number) {
      if (type >>> 0 > MetricType.Histogram) return Result.BadArgument;
      host.memory.writeU32(idOut, host.metricIds.define(type as MetricType, host.memory.text(address, length)));
      return Result.Ok;
    },

    proxy_increment_metric(id: number, delta: bigint) {
      return host.metricIds.increment(id, delta);
    },

    proxy_record_metric(id: number, value: bigint) {
      return host.metricIds.record(id, BigInt.asUintN(64, value));
    },

    proxy_get_header_map_pairs(map: number, addressOut: number, lengthOut: number) {
      if (map >>> 0 > 7) return Result.BadArgument;
      host.memory.give(serializePairs(host.context.headers(map as HeaderMap)), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_get_header_map_value(map: number, name: number, nameLength: number, addressOut: number, lengthOut: number) {
      const headers = host.context.headers(map as HeaderMap);
      if (headers.length === 0) return Result.BadArgument;
      const wanted = host.memory.text(name, nameLength);
      const found = headers.find(([own]) => own === wanted);
      if (found === undefined) return Result.NotFound;
      host.memory.give(Buffer.from(found[1]), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_replace_header_map_value(map: number, name: number, nameLength: number, value: number, valueLength: number) {
      const header = [host.memory.text(name, nameLength), host.memory.text(value, valueLength)] as const;
      return edit(map, (headers) => [...without(headers, header[0]), header]);
    },

    proxy_add_header_map_value(map: number, name: number, nameLength: number, value: number, valueLength: number) {
      const header = [host.memory.text(name, nameLength), host.memory.text(value, valueLength)] as const;
      return edit(map, (headers) => [...headers, header]);
    },

    proxy_remove_header_map_value(map: number, name: number, nameLength: number) {
      const removed = host.memory.text(name, nameLength);
      return edit(map, (headers) => without(headers, removed));
    },

    proxy_set_buffer_bytes(type: number, start: number, length: number, address: number, size: number) {
      const own = host.context.buffer(type as BufferType);
      if (own === undefined) return Result.NotFound;
      const bytes = host.memory.bytes(address, size);
      const from = start >>> 0;
      // As in Envoy, a write replaces bytes at the start or appends at the end.
      if (from > 0 && from < own.length) return Result.BadArgument;
      const parts = from === 0 ? [bytes, own.subarray(length >>> 0)] : [own, bytes];
      return host.context.writeBuffer(type as BufferType, Buffer.concat(parts)) ? Result.Ok : Result.NotFound;
    },

    proxy_http_call(
      cluster: number,
      clusterLength: number,
      headers: number,
      headersLength: number,
      body: number,
      bodyLength: number,
      _trailers: number,
      _trailersLength: number,
      timeoutMs: number,
      tokenOut: number,
    ) {
      const token = host.callouts.send(host.context.rootId, {
        cluster: host.memory.text(cluster, clusterLength),
        headers: parsePairs(host.memory.bytes(headers, headersLength)),
        body: Buffer.from(host.memory.bytes(body, bodyLength)),
        timeoutMs: timeoutMs >>> 0,
      });
      if (token === undefined) return Result.BadArgument;
      host.memory.writeU32(tokenOut, token);
      return Result.Ok;
    },

    proxy_done() {
      return host.context.done() ? Result.Ok : Result.NotFound;
    },

    proxy_continue_stream(type: number) {
      if (type >>> 0 > StreamType.Response) return Result.BadArgument;
      return host.context.continue(type as StreamType) ? Result.Ok : Result.BadArgument;
    },

    proxy_get_buffer_bytes(type: number, start: number, maximum: number, addressOut: number, lengthOut: number) {
      const buffer = host.context.buffer(type as BufferType);
      if (buffer === undefined) return Result.NotFound;
      const from = start >>> 0;
      // Envoy computes a negative length here and continues to read. No module may rely on the result.
      if (from > buffer.length) throw new Error(`buffer read from ${from}, beyond its ${buffer.length} bytes`);
      const bytes = buffer.subarray(from, from + (maximum >>> 0));
      if (type === BufferType.RequestBody || type === BufferType.ResponseBody) host.calls.bodyBytes += bytes.length;
      // If there is nothing to read, Envoy returns Ok and leaves both results unchanged.
      if (bytes.length > 0) host.memory.give(bytes, addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_get_property(address: number, length: number, addressOut: number, lengthOut: number) {
      const segments = host.memory.text(address, length).split("\0");
      const value = host.context.property(segments.join("."));
      if (value === undefined) return Result.NotFound;
      host.memory.give(encodeProperty(value), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_set_property(address: number, length: number, value: number, valueLength: number) {
      const name = host.memory.text(address, length);
      return host.context.setState(name, host.memory.text(value, valueLength)) ? Result.Ok : Result.NotFound;
    },

    proxy_call_foreign_function(name: number, nameLength: number, argument: number, argumentLength: number) {
      if (host.memory.text(name, nameLength) !== "declare_property") return Result.NotFound;
      host.context.declare(parseDeclaration(host.memory.bytes(argument, argumentLength)));
      return Result.Ok;
    },

    proxy_send_local_response(
      status: number,
      details: number,
      detailsLength: number,
      body: number,
      bodyLength: number,
      headers: number,
      headersLength: number,
    ) {
      const reply = {
        status,
        details: host.memory.text(details, detailsLength),
        headers: parsePairs(host.memory.bytes(headers, headersLength)),
        body: host.memory.text(body, bodyLength),
      };
      return host.context.answer(reply) ? Result.Ok : Result.BadArgument;
    },

    proxy_set_effective_context(id: number) {
      return host.serve(id) ? Result.Ok : Result.BadArgument;
    },

    proxy_get_shared_data(key: number, keyLength: number, addressOut: number, lengthOut: number, casOut: number) {
      const found = host.sharedData.get(host.memory.text(key, keyLength));
      if (found === undefined) return Result.NotFound;
      host.memory.give(found.bytes, addressOut, lengthOut);
      host.memory.writeU32(casOut, found.cas);
      return Result.Ok;
    },

    proxy_set_shared_data(key: number, keyLength: number, address: number, length: number, cas: number) {
      const bytes = host.memory.bytes(address, length);
      const written = host.sharedData.set(host.memory.text(key, keyLength), bytes, cas >>> 0);
      return written ? Result.Ok : Result.CasMismatch;
    },

    proxy_register_shared_queue(name: number, length: number, tokenOut: number) {
      const token = host.queues.register(host.memory.text(name, length), host, host.context.rootId);
      host.memory.writeU32(tokenOut, token);
      return Result.Ok;
    },

    proxy_resolve_shared_queue(_vm: number, _vmLength: number, name: number, length: number, tokenOut: number) {
      const token = host.queues.find(host.memory.text(name, length));
      if (token === undefined) return Result.NotFound;
      host.memory.writeU32(tokenOut, token);
      return Result.Ok;
    },

    proxy_enqueue_shared_queue(token: number, address: number, length: number) {
      return host.queues.enqueue(token, host.memory.bytes(address, length)) ? Result.Ok : Result.NotFound;
    },

    proxy_dequeue_shared_queue(token: number, addressOut: number, lengthOut: number) {
      const message = host.queues.dequeue(token);
      if (message === null) return Result.NotFound;
      if (message === undefined) return Result.Empty;
      if (message.length > 0) host.memory.give(message, addressOut, lengthOut);
      return Result.Ok;
    },
  };
  const wasi: Functions = {
    random_get(address: number, length: number) {
      host.memory.write(address, host.random(length >>> 0));
      return 0;
    },
  };
  return { env, wasi };
}

/** Reads Envoy's DeclarePropertyArguments. Supports only fields whose numbers and lengths fit in one byte. */
function parseDeclaration(bytes: Uint8Array): Declaration {
  const fields: Record<number, number | string> = {};
  for (let at = 0; at < bytes.length;) {
    const [key, value] = [bytes[at], bytes[at + 1]];
    at += 2;
    if ((key & 7) === 2) {
      fields[key >> 3] = Buffer.from(bytes.subarray(at, at + value)).toString();
      at += value;
    } else {
      fields[key >> 3] = value;
    }
  }
  return { name: String(fields[1]), type: Number(fields[3] ?? 0), span: Number(fields[5] ?? 0) };
}

function without(headers: HeaderList, removed: string): HeaderList {
  return headers.filter(([name]) => name !== removed);
}

function observedAll(host: HostState, imports: Functions): Functions {
  return Object.fromEntries(Object.entries(imports).map(([name, run]) => [name, observed(host, name, run)]));
}

/** Wraps an import so that each call is counted and reported to the observer. */
function observed(host: HostState, name: string, run: Import): Import {
  return (...args) => {
    host.calls.add(name);
    host.observer?.importCalled(name, args, host.memory);
    const result = run(...args);
    host.observer?.importReturned(name, args, result, host.memory);
    return result;
  };
}
