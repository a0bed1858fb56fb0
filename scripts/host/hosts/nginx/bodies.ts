import { BufferType, Result } from "../../abi.ts";
import type { HostState } from "../../imports.ts";
import { crash, trap } from "../traps.ts";

/** The size of one of NGINX's response buffers (`proxy_buffers`). A larger body is a chain of several. */
const BUFFER_BYTES = 8192;

const REQUEST_STEPS = ["proxy_on_request_headers", "proxy_on_request_body"];

/**
 * Reads one of the buffers (`ngx_proxy_wasm_hfuncs_get_buffer`). The offset is ignored: the result always begins with the first
 * byte.
 * @param largestRequest the value of `client_body_buffer_size`: NGINX writes larger request bodies to files
 */
export function readBuffer(
  host: HostState,
  largestRequest: number,
  ...[type, maximum, addressOut, lengthOut]: [type: number, maximum: number, addressOut: number, lengthOut: number]
): number {
  const { step, alerts } = host;
  if (type === BufferType.RequestBody && ![...REQUEST_STEPS, "proxy_on_log"].includes(step)) {
    trap(host, 'can only get request body during "on_request_body", "on_log"');
  }
  if (type === BufferType.ResponseBody && step !== "proxy_on_response_body") {
    trap(host, 'can only get response body during "on_response_body"');
  }
  if (type === BufferType.CalloutBody && step !== "proxy_on_http_call_response") {
    trap(host, 'can only get dispatch response body during "on_http_dispatch_response"');
  }
  const isConfiguration = type === BufferType.PluginConfiguration || type === BufferType.VmConfiguration;
  const buffer = host.context.buffer(type as BufferType);
  if (buffer === undefined || (buffer.length === 0 && !isConfiguration)) return Result.NotFound;
  if (type === BufferType.RequestBody && buffer.length > largestRequest) {
    alerts.push("[error] cannot read request body buffered to file");
    return Result.NotFound;
  }
  const bytes = buffer.subarray(0, maximum >>> 0);
  if (!isConfiguration) host.calls.bodyBytes += bytes.length;
  if (type === BufferType.ResponseBody && bytes.length < buffer.length && buffer.length > BUFFER_BYTES) {
    crash(host, "a part of a chain of buffers is copied beyond the memory that the module allocated for it");
  }
  if (bytes.length > 0) host.memory.give(bytes, addressOut, lengthOut);
  return Result.Ok;
}

/**
 * Writes to a body (`ngx_proxy_wasm_hfuncs_set_buffer`). With offset and length 0, the bytes are inserted at the start. Otherwise
 * everything from the offset on is replaced by at most `length` bytes, or by all if the offset is not 0 and the length is.
 */
export function writeBuffer(host: HostState, type: number, start: number, length: number, bytes: Uint8Array): number {
  if (type === BufferType.RequestBody && !REQUEST_STEPS.includes(host.step)) {
    trap(host, 'can only set request body during "on_request_body"');
  }
  if (type === BufferType.ResponseBody && host.step !== "proxy_on_response_body") {
    trap(host, 'can only set response body during "on_response_body"');
  }
  const own = host.context.buffer(type as BufferType) ?? new Uint8Array(0);
  const [from, most] = [start >>> 0, length >>> 0];
  const isAppending = from > 0 && most === 0;
  const isPrepending = from === 0 && most === 0 && bytes.length > 0;
  const parts = isPrepending ? [bytes, own] : [own.subarray(0, from), isAppending ? bytes : bytes.subarray(0, most)];
  return host.context.writeBuffer(type as BufferType, Buffer.concat(parts)) ? Result.Ok : Result.NotFound;
}
