// A filter with the same callbacks as ours that does nothing in them. Shows what calling a module costs at all.
import "../../../assembly/proxy-wasm/module/abort";

const CONTINUE: i32 = 0;

/** The host's data is never read, so all of it may use the same memory. */
let at: usize = 0;
let capacity: usize = 0;

export function proxy_on_memory_allocate(size: usize): usize {
  if (size > capacity) {
    if (at) heap.free(at);
    capacity = size;
    at = heap.alloc(size);
  }
  return at;
}

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_vm_start(_rootId: u32, _configurationSize: usize): bool {
  return true;
}

export function proxy_on_context_create(_id: u32, _parentId: u32): void {}

export function proxy_on_configure(_rootId: u32, _configurationSize: usize): bool {
  return true;
}

export function proxy_on_tick(_rootId: u32): void {}

export function proxy_on_queue_ready(_rootId: u32, _token: u32): void {}

export function proxy_on_http_call_response(
  _rootId: u32,
  _token: u32,
  _headers: u32,
  _bodySize: usize,
  _trailers: u32,
): void {}

export function proxy_on_request_headers(_id: u32, _count: u32, _endOfStream: bool): i32 {
  return CONTINUE;
}

export function proxy_on_request_body(_id: u32, _size: usize, _endOfStream: bool): i32 {
  return CONTINUE;
}

export function proxy_on_request_trailers(_id: u32, _count: u32): i32 {
  return CONTINUE;
}

export function proxy_on_response_headers(_id: u32, _count: u32, _endOfStream: bool): i32 {
  return CONTINUE;
}

export function proxy_on_response_body(_id: u32, _size: usize, _endOfStream: bool): i32 {
  return CONTINUE;
}

export function proxy_on_response_trailers(_id: u32, _count: u32): i32 {
  return CONTINUE;
}

export function proxy_on_done(_id: u32): bool {
  return true;
}

export function proxy_on_log(_id: u32): void {}
