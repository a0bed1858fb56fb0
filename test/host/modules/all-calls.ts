/** calls.ts with the calls that not all hosts support. */
import { OUT, bytesOf, log, numberIn, setMore } from "./calls";

// @ts-ignore: decorator
@external("env", "proxy_set_tick_period_milliseconds")
declare function proxySetTickPeriod(period: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_property")
declare function proxySetProperty(path: usize, pathLength: usize, value: usize, valueLength: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_define_metric")
declare function proxyDefine(type: u32, address: usize, length: usize, idOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_increment_metric")
declare function proxyIncrement(id: u32, delta: i64): u32;

// @ts-ignore: decorator
@external("env", "proxy_record_metric")
declare function proxyRecord(id: u32, value: u64): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_shared_data")
declare function proxyGetShared(key: usize, length: usize, addressOut: usize, lengthOut: usize, casOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_shared_data")
declare function proxySetShared(key: usize, length: usize, value: usize, valueLength: usize, cas: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_register_shared_queue")
declare function proxyRegister(name: usize, length: usize, tokenOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_resolve_shared_queue")
declare function proxyResolve(vm: usize, vmLength: usize, name: usize, length: usize, tokenOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_http_call")
declare function proxyCall(
  cluster: usize,
  clusterLength: usize,
  headers: usize,
  headersLength: usize,
  body: usize,
  bodyLength: usize,
  trailers: usize,
  trailersLength: usize,
  timeoutMs: u32,
  tokenOut: usize,
): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_effective_context")
declare function proxyServe(id: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_continue_stream")
declare function proxyContinue(type: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_done")
declare function proxyDone(): u32;

// @ts-ignore: decorator
@external("env", "proxy_call_foreign_function")
declare function proxyForeign(
  name: usize,
  length: usize,
  argument: usize,
  size: usize,
  out: usize,
  sizeOut: usize,
): u32;

export {
  proxy_abi_version_0_2_1,
  proxy_on_memory_allocate,
  proxy_on_context_create,
  proxy_on_vm_start,
  proxy_on_configure,
  proxy_on_tick,
  proxy_on_request_headers,
  proxy_on_request_body,
  proxy_on_request_trailers,
  proxy_on_response_headers,
  proxy_on_response_body,
  proxy_on_response_trailers,
  proxy_on_log,
  proxy_on_done,
  proxy_on_delete,
} from "./calls";

/** The version of the shared value that was read last. */
const VERSION: usize = memory.data(8);

function call(words: string[]): i32 {
  const name = words[1];
  const first = bytesOf(words.length > 2 ? words[2] : "");
  const at = changetype<usize>(first);
  const length = first.byteLength;
  const second = bytesOf(words.length > 3 ? words[3] : "");
  const value = changetype<usize>(second);
  const size = second.byteLength;
  if (name == "set_property") return proxySetProperty(at, length, value, size);
  if (name == "tick_period") return proxySetTickPeriod(numberIn(words[2]));
  if (name == "define") return proxyDefine(numberIn(words[2]), value, size, OUT);
  if (name == "increment") {
    proxyDefine(numberIn(words[2]), value, size, OUT);
    return proxyIncrement(load<u32>(OUT), 2);
  }
  if (name == "record") {
    proxyDefine(numberIn(words[2]), value, size, OUT);
    return proxyRecord(load<u32>(OUT), 7);
  }
  if (name == "read") {
    const result = proxyGetShared(at, length, OUT, OUT + 8, VERSION);
    if (result == 0) log(`version ${load<u32>(VERSION)}`);
    return result;
  }
  if (name == "store") return proxySetShared(at, length, value, size, numberIn(words[4]));
  if (name == "register") return proxyRegister(at, length, OUT);
  if (name == "resolve") return proxyResolve(0, 0, at, length, OUT);
  if (name == "call") return proxyCall(at, length, 0, 0, 0, 0, 0, 0, 1000, OUT);
  if (name == "serve") return proxyServe(numberIn(words[2]));
  if (name == "continue") return proxyContinue(numberIn(words[2]));
  if (name == "done") return proxyDone();
  if (name == "foreign") return proxyForeign(at, length, 0, 0, OUT, OUT + 8);
  return -1;
}

export function _initialize(): void {
  setMore(call);
}
