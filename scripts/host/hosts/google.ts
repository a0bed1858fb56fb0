import { BufferType, HeaderMap, type HeaderList, Result } from "../abi.ts";
import { encodeProperty } from "../properties.ts";
import { serializePairs } from "../guest-memory.ts";
import type { Functions, HostState } from "../imports.ts";
import type { HttpStream } from "../stream.ts";
import type { HostKind } from "./host-kind.ts";

/** The functions of the feature set in plugins/README.md, of those that the module may import from this host. */
const FUNCTIONS = [
  "proxy_log",
  "proxy_get_current_time_nanoseconds",
  "proxy_get_property",
  "proxy_get_buffer_bytes",
  "proxy_set_buffer_bytes",
  "proxy_get_header_map_pairs",
  "proxy_get_header_map_value",
  "proxy_add_header_map_value",
  "proxy_replace_header_map_value",
  "proxy_remove_header_map_value",
  "proxy_send_local_response",
];

/** The header map of each headers callback, the only callback in which it is accessible. */
const HEADER_STEPS: Record<string, number> = {
  proxy_on_request_headers: HeaderMap.RequestHeaders,
  proxy_on_response_headers: HeaderMap.ResponseHeaders,
};
const BODY_STEPS: Record<string, number> = {
  proxy_on_request_body: BufferType.RequestBody,
  proxy_on_response_body: BufferType.ResponseBody,
};
const REPLY_STEPS = ["proxy_on_request_headers", "proxy_on_response_headers", "proxy_on_request_body"];

/** What the tests of a plugin may assume of the service beyond its documented feature set. */
export interface GoogleSettings {
  /** The properties that streams have besides `plugin_root_id`, by dotted path. */
  readonly properties: readonly string[];
}

/** Plugins of Google Cloud Service Extensions, as the test host in plugins/test/framework.cc at e9fcee7 runs them. */
export function google(settings: GoogleSettings = { properties: [] }): HostKind {
  return {
    name: "google",
    requiredExports: [],
    hasTicks: false,
    endsPlugins: true,
    crashesWithout: () => false,
    functions: (host, envoy) => googleFunctions(host, envoy, settings),
    rootId: () => undefined,
    streams: {
      endsInHeaders: false,
      gathersRequest: false,
      hasTrailers: false,
      keepsHeaders: false,
      holdsBodies: false,
      holdsResponseHeaders: true,
      passesReplies: false,
      ending: ["proxy_on_done", "proxy_on_delete"],
      logsFirst: false,
      requestHeaders: googleHeaders,
      responseHeaders: googleHeaders,
      endsEmptyBody: () => false,
      responseEnd: (_declared, _size, end) => end,
      gathersPausedResponse: false,
      replyBody: (body) => body,
      resetReply: (_cause, { reply }) => reply,
      onPause({ alerts }, callback) {
        const isBody = callback.endsWith("_body");
        const effect = isBody ? "the bytes go on all the same" : "no function resumes the stream";
        alerts.push(`[pause] ${callback} returned "PAUSE": ${effect}`);
      },
    },
  };
}

function googleFunctions(host: HostState, envoy: Functions, settings: GoogleSettings): Functions {
  const isReadable = (map: number) => HEADER_STEPS[host.step] === map;
  const edit = (map: number, change: (headers: HeaderList) => HeaderList): number => {
    if (!isReadable(map)) return Result.BadArgument;
    host.context.editHeaders(map as HeaderMap, (headers) => googleHeaders(change(headers)));
    return Result.Ok;
  };
  const text = (address: number, length: number) => host.memory.text(address, length);
  const isBody = (type: number) => type === BufferType.RequestBody || type === BufferType.ResponseBody;
  const changed: Functions = {
    // Frozen per stream. A root context sees the time of its callback.
    proxy_get_current_time_nanoseconds(out: number) {
      const isRoot = host.context.id === host.context.rootId;
      host.memory.writeU64(out, isRoot ? host.clock.now : (host.context as HttpStream).startedAt);
      return Result.Ok;
    },

    proxy_get_property(path: number, length: number, addressOut: number, lengthOut: number) {
      const name = text(path, length).split("\0").filter(Boolean).join(".");
      const isThere = name === "plugin_root_id" || settings.properties.includes(name);
      const value = isThere ? host.context.property(name) : undefined;
      if (value === undefined) return Result.NotFound;
      host.memory.give(encodeProperty(value), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_get_header_map_pairs(map: number, addressOut: number, lengthOut: number) {
      if (!isReadable(map)) return Result.BadArgument;
      host.memory.give(serializePairs(host.context.headers(map as HeaderMap)), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_get_header_map_value(map: number, name: number, nameLength: number, addressOut: number, lengthOut: number) {
      if (!isReadable(map)) return Result.BadArgument;
      const wanted = text(name, nameLength).toLowerCase();
      const found = host.context.headers(map as HeaderMap).find(([own]) => own.toLowerCase() === wanted);
      if (found === undefined) return Result.NotFound;
      host.memory.give(Buffer.from(found[1]), addressOut, lengthOut);
      return Result.Ok;
    },

    proxy_add_header_map_value(map: number, name: number, nameLength: number, value: number, valueLength: number) {
      const header = [text(name, nameLength), text(value, valueLength)] as const;
      return edit(map, (headers) => [...headers, header]);
    },

    proxy_replace_header_map_value(map: number, name: number, nameLength: number, value: number, valueLength: number) {
      const header = [text(name, nameLength), text(value, valueLength)] as const;
      return edit(map, (headers) => [...without(headers, header[0]), header]);
    },

    proxy_remove_header_map_value(map: number, name: number, nameLength: number) {
      const removed = text(name, nameLength);
      return edit(map, (headers) => without(headers, removed));
    },

    proxy_get_buffer_bytes(...args: number[]) {
      const [type] = args;
      if (isBody(type) && BODY_STEPS[host.step] !== type) return Result.NotFound;
      return (envoy.proxy_get_buffer_bytes as unknown as (...args: number[]) => number)(...args);
    },

    // Unlike Envoy's, this accepts any offset.
    proxy_set_buffer_bytes(type: number, start: number, length: number, address: number, size: number) {
      const own = BODY_STEPS[host.step] === type ? host.context.buffer(type as BufferType) : undefined;
      if (own === undefined) return Result.NotFound;
      const from = Math.min(start >>> 0, own.length);
      const parts = [own.subarray(0, from), host.memory.bytes(address, size), own.subarray(from + (length >>> 0))];
      return host.context.writeBuffer(type as BufferType, Buffer.concat(parts)) ? Result.Ok : Result.NotFound;
    },

    proxy_send_local_response(...args: number[]) {
      if (!REPLY_STEPS.includes(host.step)) return Result.BadArgument;
      return (envoy.proxy_send_local_response as unknown as (...args: number[]) => number)(...args);
    },
  };
  return Object.fromEntries(FUNCTIONS.map((name) => [name, changed[name] ?? envoy[name]]));
}

/** Headers in the order of their names, in which the values of a repeated name are joined. */
function googleHeaders(headers: HeaderList): HeaderList {
  const joined = new Map<string, readonly [name: string, value: string]>();
  for (const [name, value] of headers) {
    const first = joined.get(name.toLowerCase());
    joined.set(name.toLowerCase(), first === undefined ? [name, value] : [first[0], `${first[1]}, ${value}`]);
  }
  return [...joined].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, header]) => header);
}

function without(headers: HeaderList, removed: string): HeaderList {
  return headers.filter(([name]) => name.toLowerCase() !== removed.toLowerCase());
}
