/**
 * A module that makes the host calls that its configuration lists, and logs their results. Each line of the configuration is a
 * command: the callback in which it runs, then the call, then its arguments. This file has only the calls that all hosts
 * support; all-calls.ts adds the others.
 */

// @ts-ignore: decorator
@external("env", "proxy_log")
declare function proxyLog(level: u32, address: usize, length: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_current_time_nanoseconds")
declare function proxyTime(out: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_property")
declare function proxyProperty(path: usize, pathLength: usize, addressOut: usize, lengthOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_header_map_pairs")
declare function proxyHeaders(map: u32, addressOut: usize, lengthOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_header_map_value")
declare function proxyHeader(map: u32, name: usize, length: usize, addressOut: usize, lengthOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_add_header_map_value")
declare function proxyAdd(map: u32, name: usize, length: usize, value: usize, valueLength: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_replace_header_map_value")
declare function proxyReplace(map: u32, name: usize, length: usize, value: usize, valueLength: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_remove_header_map_value")
declare function proxyRemove(map: u32, name: usize, length: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_buffer_bytes")
declare function proxyBuffer(type: u32, start: u32, maximum: u32, addressOut: usize, lengthOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_buffer_bytes")
declare function proxyWrite(type: u32, start: u32, length: u32, address: usize, size: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_send_local_response")
declare function proxyReply(
  status: i32,
  details: usize,
  detailsLength: usize,
  body: usize,
  bodyLength: usize,
  headers: usize,
  headersLength: usize,
  grpcStatus: i32,
): u32;

/** The block for results of the host: an address or a number, then a length. */
export const OUT: usize = memory.data(16);
const NO_HEADERS: usize = memory.data<u8>([0, 0, 0, 0]);

let commands: string[] = [];
/** Makes a call that this file does not know. Returns its result; a negative number if it does not know it either. */
let more: (words: string[]) => i32 = () => -1;

/** Adds calls. */
export function setMore(calls: (words: string[]) => i32): void {
  more = calls;
}

/** Writes a log line. */
export function log(text: string): void {
  const bytes = String.UTF8.encode(text);
  proxyLog(2, changetype<usize>(bytes), bytes.byteLength);
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): ArrayBuffer {
  return String.UTF8.encode(text);
}

/** The number that a text represents. */
export function numberIn(text: string): u32 {
  return <u32>I64.parseInt(text);
}

/** Runs the commands of a callback. Returns 1 (pause) if one of them is `pause`. */
function run(callback: string): u32 {
  let action: u32 = 0;
  for (let i = 0; i < commands.length; i++) {
    const words = commands[i].split(" ");
    if (words[0] != callback) continue;
    if (words[1] == "pause") action = 1;
    else perform(words);
  }
  return action;
}

function perform(words: string[]): void {
  const call = words[1];
  const first = words.length > 2 ? words[2] : "";
  const name = bytesOf(words.length > 3 ? words[3] : first);
  const at = changetype<usize>(name);
  const length = name.byteLength;
  const last = bytesOf(words[words.length - 1]);
  store<u32>(OUT, 0);
  store<u32>(OUT, 0, 8);
  let result: i32;
  if (call == "property") {
    const path = bytesOf(first.replaceAll(".", "\0"));
    result = proxyProperty(changetype<usize>(path), path.byteLength, OUT, OUT + 8);
  } else if (call == "pairs") {
    result = proxyHeaders(numberIn(first), OUT, OUT + 8);
    if (load<u32>(OUT, 8)) logPairs(load<u32>(OUT));
    store<u32>(OUT, 0, 8);
  } else if (call == "header") {
    result = proxyHeader(numberIn(first), at, length, OUT, OUT + 8);
  } else if (call == "add") {
    result = proxyAdd(numberIn(first), at, length, changetype<usize>(last), last.byteLength);
  } else if (call == "replace") {
    result = proxyReplace(numberIn(first), at, length, changetype<usize>(last), last.byteLength);
  } else if (call == "remove") {
    result = proxyRemove(numberIn(first), at, length);
  } else if (call == "buffer") {
    result = proxyBuffer(numberIn(first), numberIn(words[3]), numberIn(words[4]), OUT, OUT + 8);
  } else if (call == "write") {
    const text = words[words.length - 1] == "nothing" ? bytesOf("") : last;
    result = proxyWrite(
      numberIn(first),
      numberIn(words[3]),
      numberIn(words[4]),
      changetype<usize>(text),
      text.byteLength,
    );
  } else if (call == "reply") {
    result = proxyReply(numberIn(first), at, length, changetype<usize>(last), last.byteLength, NO_HEADERS, 4, -1);
  } else if (call == "time") {
    proxyTime(OUT);
    log(`time ${load<u64>(OUT)}`);
    return;
  } else {
    result = more(words);
  }
  const text = load<u32>(OUT, 8) ? " " + String.UTF8.decodeUnsafe(load<u32>(OUT), load<u32>(OUT, 8)) : "";
  log(`${call} ${first}: ${result}${text}`);
}

/** Logs headers, each as `name: value`. */
function logPairs(at: u32): void {
  const count = load<u32>(at);
  let text = at + 4 + count * 8;
  for (let i: u32 = 0; i < count; i++) {
    const nameLength = load<u32>(at + 4 + i * 8);
    const valueLength = load<u32>(at + 8 + i * 8);
    const name = String.UTF8.decodeUnsafe(text, nameLength);
    log(`${name}: ${String.UTF8.decodeUnsafe(text + nameLength + 1, valueLength)}`);
    text += nameLength + valueLength + 2;
  }
}

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(_id: u32, _parent: u32): void {}

export function proxy_on_vm_start(_root: u32, _size: u32): u32 {
  return 1;
}

export function proxy_on_configure(_root: u32, size: u32): u32 {
  proxyBuffer(7, 0, size, OUT, OUT + 8);
  if (size) commands = String.UTF8.decodeUnsafe(load<u32>(OUT), load<u32>(OUT, 8)).split("\n");
  run("configure");
  return 1;
}

export function proxy_on_tick(_root: u32): void {
  log("tick");
  run("tick");
}

export function proxy_on_request_headers(_id: u32, count: u32, end: u32): u32 {
  log(`request_headers ${count} ${end}`);
  return run("request_headers");
}

export function proxy_on_request_body(_id: u32, size: u32, end: u32): u32 {
  log(`request_body ${size} ${end}`);
  return run("request_body");
}

export function proxy_on_request_trailers(_id: u32, count: u32): u32 {
  log(`request_trailers ${count}`);
  return 0;
}

export function proxy_on_response_headers(_id: u32, count: u32, end: u32): u32 {
  log(`response_headers ${count} ${end}`);
  return run("response_headers");
}

export function proxy_on_response_body(_id: u32, size: u32, end: u32): u32 {
  log(`response_body ${size} ${end}`);
  return run("response_body");
}

export function proxy_on_response_trailers(_id: u32, count: u32): u32 {
  log(`response_trailers ${count}`);
  return 0;
}

export function proxy_on_log(_id: u32): void {
  log("log");
  run("log");
}

export function proxy_on_done(_id: u32): u32 {
  log("done");
  return 1;
}

export function proxy_on_delete(_id: u32): void {
  log("delete");
}
