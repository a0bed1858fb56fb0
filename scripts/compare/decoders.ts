/**
 * Decodes the arguments of host calls, without addresses and ids, so that recordings of different modules can be compared.
 */
import { type GuestMemory, LOG_LEVELS } from "../host/index.ts";

/** The subject of a call, and everything else about it. Calls with one subject are counted together. */
export type Decoded = readonly [subject: string, detail: string];

/** Decodes the calls of one host function. */
export interface Decoder {
  call(args: readonly number[], memory: GuestMemory, known: Known): Decoded;
  /** Decodes results other than the returned status. */
  results?(args: readonly number[], memory: GuestMemory, known: Known): string;
}

/** State from earlier calls of the same VM. */
export class Known {
  /** Metrics by the ids that the host gave them. */
  readonly metrics = new Map<number, Decoded>();
  /** The formats of keys of shared data. */
  readonly formats = new Set<string>();
}

const HEADER_MAPS = ["request headers", "request trailers", "response headers", "response trailers"];
const BUFFERS: Record<number, string> = { 0: "request body", 1: "response body", 6: "VM", 7: "configuration" };

/** Decoders by the host function's name. {@link decoderOf} throws for a function that is missing here. */
const DECODERS: Record<string, Decoder> = {
  proxy_log: {
    call: ([level, address, length], memory) => {
      const text = memory.text(address, length);
      return [`${LOG_LEVELS[level]} ${logSubject(text)}`, text];
    },
  },
  proxy_get_current_time_nanoseconds: { call: () => ["", ""] },
  proxy_set_tick_period_milliseconds: { call: ([period]) => ["", String(period)] },
  proxy_define_metric: {
    call: ([type, address, length], memory) => {
      const [family, labels] = metricOf(memory.text(address, length));
      return [family, `${["counter", "gauge", "histogram"][type]} ${labels}`];
    },
    results: ([, address, length, id], memory, { metrics }) => {
      metrics.set(memory.u32(id), metricOf(memory.text(address, length)));
      return "";
    },
  },
  proxy_increment_metric: { call: ([id, delta], _, known) => metricCall(known, id, `+${delta}`) },
  proxy_record_metric: { call: ([id, value], _, known) => metricCall(known, id, `=${value}`) },
  proxy_get_header_map_pairs: {
    call: ([map]) => [HEADER_MAPS[map] ?? String(map), ""],
    results: ([, , length], memory) => `${memory.u32(length)} bytes`,
  },
  proxy_get_header_map_value: {
    call: ([map, name, length], memory) => headerCall(map, memory.latin1(name, length), ""),
  },
  proxy_replace_header_map_value: {
    call: ([map, name, length, value, size], memory) =>
      headerCall(map, memory.latin1(name, length), memory.latin1(value, size)),
  },
  proxy_add_header_map_value: {
    call: ([map, name, length, value, size], memory) =>
      headerCall(map, memory.latin1(name, length), memory.latin1(value, size)),
  },
  proxy_remove_header_map_value: {
    call: ([map, name, length], memory) => headerCall(map, memory.latin1(name, length), ""),
  },
  proxy_get_buffer_bytes: {
    call: ([type, start, maximum]) => [BUFFERS[type] ?? String(type), `from ${start}, at most ${maximum}`],
  },
  proxy_set_buffer_bytes: {
    call: ([type, start, length, address, size], memory) => {
      return [BUFFERS[type] ?? String(type), `from ${start}, ${length} bytes: ${memory.latin1(address, size)}`];
    },
  },
  proxy_get_property: {
    call: ([address, length], memory) => [memory.text(address, length).replaceAll("\0", "."), ""],
  },
  proxy_set_property: {
    call: ([address, length, value, size], memory) => [memory.text(address, length), memory.latin1(value, size)],
  },
  proxy_call_foreign_function: {
    call: ([name, nameLength, value, size], memory) => [memory.text(name, nameLength), memory.latin1(value, size)],
  },
  proxy_send_local_response: {
    call: ([status, details, detailsLength, body, bodyLength, headers, headersLength], memory) => {
      const texts = [memory.text(details, detailsLength), memory.latin1(headers, headersLength)];
      return [String(status), [...texts, memory.text(body, bodyLength)].join(" | ")];
    },
  },
  proxy_http_call: {
    call: ([cluster, clusterLength, headers, headersLength, body, bodyLength, , , timeoutMs], memory) => {
      const texts = [memory.latin1(headers, headersLength), memory.latin1(body, bodyLength), `${timeoutMs} ms`];
      return [memory.text(cluster, clusterLength), texts.join(" | ")];
    },
  },
  proxy_continue_stream: { call: ([type]) => ["", ["request", "response"][type] ?? String(type)] },
  proxy_done: { call: () => ["", ""] },
  proxy_set_effective_context: { call: ([id]) => ["", `context ${id}`] },
  proxy_get_shared_data: {
    call: ([address, length], memory, known) => keyCall(known, memory.latin1(address, length), ""),
    results: ([, , , length, cas], memory) => `${memory.u32(length)} bytes, version ${memory.u32(cas)}`,
  },
  proxy_set_shared_data: {
    call: ([address, length, value, size, cas], memory, known) =>
      keyCall(known, memory.latin1(address, length), `version ${cas}: ${memory.latin1(value, size)}`),
  },
  proxy_register_shared_queue: {
    call: ([address, length], memory, known) => keyCall(known, memory.latin1(address, length), ""),
  },
  proxy_resolve_shared_queue: {
    call: ([, , address, length], memory, known) => keyCall(known, memory.latin1(address, length), ""),
  },
  proxy_enqueue_shared_queue: {
    call: ([token, address, length], memory) => ["", `queue ${token}: ${memory.latin1(address, length)}`],
  },
  proxy_dequeue_shared_queue: { call: ([token]) => ["", `queue ${token}`] },
  random_get: { call: ([, length]) => ["", `${length} bytes`] },
};

/** The decoder of a host function. Throws if there is none. */
export function decoderOf(name: string): Decoder {
  const decoder = DECODERS[name] as Decoder | undefined;
  if (decoder === undefined) throw new Error(`${name} is not decoded: add it to scripts/compare/decoders.ts`);
  return decoder;
}

function headerCall(map: number, name: string, value: string): Decoded {
  return [`${HEADER_MAPS[map] ?? map} ${name}`, value];
}

function metricCall({ metrics }: Known, id: number, change: string): Decoded {
  const [family, labels] = metrics.get(id) ?? ["(unknown)", `id ${id}`];
  return [family, `${labels} ${change}`];
}

/** A metric's family, and its labels in the order in which the module wrote them. */
function metricOf(encoded: string): Decoded {
  const at = encoded.lastIndexOf(";.;");
  return at < 0 ? [encoded, ""] : [encoded.slice(at + 3), encoded.slice(0, at)];
}

/**
 * Decodes a key of the form `mcp/<format>/<space>/<name>/<number>`. Only a VM's first call with a format includes it,
 * so that modules with different formats can be compared.
 */
function keyCall({ formats }: Known, key: string, rest: string): Decoded {
  const [, format = "", path = key] = /^mcp\/(\d+)\/(.*)$/s.exec(key) ?? [];
  const isNew = format !== "" && !formats.has(format);
  if (isNew) formats.add(format);
  return [subjectOf(path), `${isNew ? `(format ${format}) ` : ""}${path}${rest === "" ? "" : ` ${rest}`}`];
}

/** A cache of subjects by path. */
const subjects = new Map<string, string>();

/** A path without its hashes and its number. */
function subjectOf(path: string): string {
  let subject = subjects.get(path);
  if (subject === undefined) {
    subject = path.replace(/\/[^/]{3}$/s, "/*").replaceAll(/\d{4,}/g, "*");
    subjects.set(path, subject);
  }
  return subject;
}

/** The subject of a log line: the event of a JSON line, or the first words of a text. */
function logSubject(text: string): string {
  return /^\{"event":"(\w+)"/.exec(text)?.[1] ?? text.split(" ", 3).join(" ").slice(0, 40);
}
