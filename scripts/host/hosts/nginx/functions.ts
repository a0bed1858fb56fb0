import { crc32 } from "node:zlib";
import { HeaderMap, type HeaderList, type MetricType, Result } from "../../abi.ts";
import { serializePairs } from "../../guest-memory.ts";
import type { Functions, HostState } from "../../imports.ts";
import type { MetricStore } from "../../metrics.ts";
import type { Plugin } from "../../plugin.ts";
import type { HttpStream } from "../../stream.ts";
import { crash, trap } from "../traps.ts";
import { readBuffer, writeBuffer } from "./bodies.ts";
import { MAX_PAIRS } from "./message-heads.ts";
import { MetricSlab } from "./metric-slab.ts";
import { readProperty, writeProperty } from "./properties.ts";
import type { NginxSettings } from "./settings.ts";

/** The slabs of metrics by the store that shows them. The workers of one proxy share both. */
const slabs = new WeakMap<MetricStore, MetricSlab>();

/** Steps in which a module may change a header map (`ngx_proxy_wasm_hfuncs_set_header_check`). */
const REQUEST_STEPS = ["proxy_on_request_headers", "proxy_on_request_body"];
const EDIT_STEPS: Partial<Record<HeaderMap, readonly string[]>> = {
  [HeaderMap.RequestHeaders]: REQUEST_STEPS,
  [HeaderMap.ResponseHeaders]: [...REQUEST_STEPS, "proxy_on_response_headers"],
};
const READABLE_MAPS: readonly number[] = [
  HeaderMap.RequestHeaders,
  HeaderMap.ResponseHeaders,
  HeaderMap.CalloutHeaders,
];
const READ_ONLY = [":scheme", ":authority"];
const CALLOUT_STEPS = [...REQUEST_STEPS, "proxy_on_tick", "proxy_on_http_call_response"];

type Numbers = (...args: number[]) => number;

/** The functions of ngx_proxy_wasm_host.c. Those that are missing here behave as in Envoy. */
export function nginxFunctions(host: HostState, envoy: Functions, settings: NginxSettings): Functions {
  const slab = slabs.get(host.metrics) ?? new MetricSlab(host.metrics, settings);
  slabs.set(host.metrics, slab);
  const text = (address: number, length: number) => host.memory.text(address, length);
  const envoyFunction = (name: string) => envoy[name] as unknown as Numbers;
  const unimplemented = (name: string) => () => trap(host, `host trap (function not yet implemented): ${name}`);
  const lacksQueue = () => trap(host, "could not find queue");
  const isRoot = () => host.context.id === host.context.rootId;
  /** The stream of the running callback: without one, the functions of streams follow a null pointer. */
  const stream = (name: string): HttpStream => {
    if (isRoot()) crash(host, `${name} in a root context`);
    return host.context as HttpStream;
  };

  /** A header map of the running callback; undefined if the host has no such map. */
  const headers = (map: number, name: string): HeaderList | undefined => {
    if (!READABLE_MAPS.includes(map)) {
      host.alerts.push(`[alert] NYI - get_map bad map_type: ${map}`);
      return undefined;
    }
    if (map !== HeaderMap.CalloutHeaders) stream(name);
    return host.context.headers(map as HeaderMap);
  };

  const edit = (map: number, name: string, change: (headers: HeaderList) => HeaderList): number => {
    stream("a change of headers");
    const steps = EDIT_STEPS[map as HeaderMap];
    if (steps === undefined) {
      host.alerts.push(`[alert] NYI - set_map bad map_type: ${map}`);
      return Result.BadArgument;
    }
    if (!steps.includes(host.step)) trap(host, `cannot set header map ${map} in ${host.step}`);
    if (READ_ONLY.includes(name)) host.alerts.push(`[error] cannot set read-only "${name}" header`);
    else host.context.editHeaders(map as HeaderMap, change);
    return Result.Ok;
  };

  return {
    ...envoy,

    proxy_set_tick_period_milliseconds(period: number) {
      if (!isRoot()) trap(host, "can only set tick_period in root context");
      const plugin = host.context as Plugin;
      if (period !== 0 && plugin.tickPeriod !== 0) trap(host, "tick_period already set");
      if (period === 0) host.alerts.push("[leak] the timer of the former tick period stays");
      return envoyFunction("proxy_set_tick_period_milliseconds")(period);
    },

    proxy_get_property(path: number, length: number, addressOut: number, lengthOut: number) {
      const name = text(path, length).replaceAll("\0", ".");
      if (isRoot()) {
        // By the source, only plugin_name crashes here; observed were crashes by all three.
        if (host.step === "proxy_on_configure" && name.startsWith("plugin_")) crash(host, `${name} in on_configure`);
        if (name.includes(".")) {
          host.alerts.push("[error] cannot get scoped properties outside of a request");
          return Result.InternalFailure;
        }
      }
      const found = readProperty(host.context as HttpStream, name, settings.moduleName, host.alerts);
      if (typeof found === "number") return found;
      host.memory.give(Buffer.from(found), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_set_property(path: number, length: number, value: number, valueLength: number) {
      const name = text(path, length).replaceAll("\0", ".");
      if (isRoot()) {
        host.alerts.push("[error] cannot set scoped properties outside of a request");
        return Result.InternalFailure;
      }
      const stream = host.context as HttpStream;
      return writeProperty(stream, name, text(value, valueLength), settings.variables, host.alerts);
    },

    proxy_get_header_map_pairs(map: number, addressOut: number, lengthOut: number) {
      const found = headers(map, "proxy_get_header_map_pairs");
      if (found === undefined) return Result.BadArgument;
      if (found.length > MAX_PAIRS) host.alerts.push(`[warn] marshalled map truncated to ${MAX_PAIRS} elements`);
      host.memory.give(serializePairs(found.slice(0, MAX_PAIRS)), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_get_header_map_value(map: number, name: number, nameLength: number, addressOut: number, lengthOut: number) {
      const wanted = text(name, nameLength).toLowerCase();
      const found = headers(map, "proxy_get_header_map_value")?.find(([own]) => own.toLowerCase() === wanted);
      if (found === undefined) return Result.NotFound;
      host.memory.give(Buffer.from(found[1]), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_replace_header_map_value(map: number, name: number, nameLength: number, value: number, valueLength: number) {
      const header = [text(name, nameLength), text(value, valueLength)] as const;
      return edit(map, header[0], (all) => [...without(all, header[0]), header]);
    },

    proxy_add_header_map_value(map: number, name: number, nameLength: number, value: number, valueLength: number) {
      const header = [text(name, nameLength), text(value, valueLength)] as const;
      return edit(map, header[0], (all) => [...all, header]);
    },

    proxy_remove_header_map_value(map: number, name: number, nameLength: number) {
      const removed = text(name, nameLength);
      return edit(map, removed, (all) => without(all, removed));
    },

    proxy_get_buffer_bytes(type: number, _start: number, maximum: number, addressOut: number, lengthOut: number) {
      return readBuffer(host, settings.clientBodyBufferBytes, type, maximum, addressOut, lengthOut);
    },

    proxy_set_buffer_bytes(type: number, start: number, length: number, address: number, size: number) {
      return writeBuffer(host, type, start, length, host.memory.bytes(address, size));
    },

    proxy_send_local_response(...args: number[]) {
      const own = stream("proxy_send_local_response");
      if (host.step === "proxy_on_response_headers") {
        // The headers of the reply are ignored.
        own.replaceResponse(args[0], nginxReplyBody(text(args[3], args[4])));
        return Result.Ok;
      }
      if (!REQUEST_STEPS.includes(host.step)) trap(host, "response already sent");
      if (own.reply !== undefined) trap(host, "local response already stashed");
      return envoyFunction("proxy_send_local_response")(...args);
    },

    // It does nothing: the effective context is always that of the running callback.
    proxy_set_effective_context: () => Result.Ok,

    // It sets a flag of the stream of the running callback, which resumes nothing (ngx_wasm_continue).
    proxy_continue_stream() {
      stream("proxy_continue_stream");
      return Result.Ok;
    },

    proxy_http_call(...args: number[]) {
      if (!CALLOUT_STEPS.includes(host.step)) trap(host, `cannot send HTTP dispatch in ${host.step}`);
      return envoyFunction("proxy_http_call")(...args);
    },

    proxy_get_shared_data(key: number, keyLength: number, addressOut: number, lengthOut: number, casOut: number) {
      if (!settings.hasSharedData) trap(host, "failed getting value from shm (could not resolve namespace)");
      const found = host.sharedData.get(sharedKey(text(key, keyLength)));
      if (found === undefined) return Result.NotFound;
      host.memory.give(found.bytes, addressOut, lengthOut);
      host.memory.writeU32(casOut, found.cas);
      return Result.Ok;
    },

    proxy_set_shared_data(key: number, keyLength: number, address: number, length: number, cas: number) {
      if (!settings.hasSharedData) trap(host, "failed setting value to shm (could not resolve namespace)");
      const name = sharedKey(text(key, keyLength));
      // ngx_wa_shm_kv_set_locked: the version 0 stands for a missing key.
      if (cas >>> 0 !== (host.sharedData.get(name)?.cas ?? 0)) return Result.CasMismatch;
      host.sharedData.set(name, host.memory.bytes(address, length), cas >>> 0);
      return Result.Ok;
    },

    proxy_define_metric(type: number, name: number, length: number, idOut: number) {
      const id = slab.define(settings.moduleName, type as MetricType, text(name, length));
      if (typeof id === "string") trap(host, id);
      host.memory.writeU32(idOut, id);
      return Result.Ok;
    },

    proxy_increment_metric(id: number, delta: bigint) {
      const problem = slab.increment(id, delta);
      return problem === undefined ? Result.Ok : trap(host, problem);
    },

    proxy_record_metric(id: number, value: bigint) {
      const problem = slab.record(id, value);
      return problem === undefined ? Result.Ok : trap(host, problem);
    },

    proxy_register_shared_queue: lacksQueue,
    proxy_enqueue_shared_queue: lacksQueue,
    proxy_dequeue_shared_queue: lacksQueue,
    proxy_resolve_shared_queue: unimplemented("proxy_resolve_shared_queue"),
    proxy_done: unimplemented("proxy_done"),
    proxy_call_foreign_function: () => trap(host, "unknown foreign function"),
  };
}

/** The body of a local reply, to which the host adds a line feed. */
export function nginxReplyBody(body: string): string {
  return body === "" ? "" : `${body}\n`;
}

/** The key under which a value is stored: names with the same CRC-32 share a value. */
function sharedKey(name: string): string {
  return crc32(name).toString(16);
}

function without(headers: HeaderList, removed: string): HeaderList {
  return headers.filter(([name]) => name.toLowerCase() !== removed.toLowerCase());
}
