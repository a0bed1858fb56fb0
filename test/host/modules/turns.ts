/**
 * A module that shows how the host handles many local replies and shared queues: on a tick it replies to every held stream,
 * and registers and fills the queue `q` according to the configuration.
 */

// @ts-ignore: decorator
@external("env", "proxy_log")
declare function proxyLog(level: u32, address: usize, length: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_tick_period_milliseconds")
declare function proxySetTickPeriod(period: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_effective_context")
declare function proxySetEffectiveContext(id: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_send_local_response")
declare function proxySendLocalResponse(
  status: i32,
  details: usize,
  detailsLength: usize,
  body: usize,
  bodyLength: usize,
  headers: usize,
  headersLength: usize,
  grpcStatus: i32,
): u32;

// @ts-ignore: decorator
@external("env", "proxy_register_shared_queue")
declare function proxyRegisterQueue(name: usize, length: usize, tokenOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_enqueue_shared_queue")
declare function proxyEnqueue(token: u32, address: usize, length: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_dequeue_shared_queue")
declare function proxyDequeue(token: u32, addressOut: usize, lengthOut: usize): u32;

const OUT: usize = memory.data(16);
const NAME: usize = memory.data<u8>([0x71]);
const NO_HEADERS: usize = memory.data<u8>([0, 0, 0, 0]);

let lastStream: u32 = 0;
let firstStream: u32 = 0;

function log(text: string): void {
  const bytes = String.UTF8.encode(text);
  proxyLog(2, changetype<usize>(bytes), bytes.byteLength);
}

export function _initialize(): void {}

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) return;
  if (firstStream == 0) firstStream = id;
  lastStream = id;
}

export function proxy_on_configure(root: u32, _size: u32): u32 {
  proxySetTickPeriod(1000);
  log(`register: ${proxyRegisterQueue(NAME, 1, OUT)}, token ${load<u32>(OUT)} by ${root}`);
  return 1;
}

export function proxy_on_tick(root: u32): void {
  log(`enqueue: ${proxyEnqueue(1, NAME, 1)} ${proxyEnqueue(9, NAME, 1)}`);
  for (let id = firstStream; id != 0 && id <= lastStream; id++) {
    if (proxySetEffectiveContext(id) == 0) proxySendLocalResponse(429, 0, 0, 0, 0, NO_HEADERS, 4, -1);
  }
  proxySetEffectiveContext(root);
}

export function proxy_on_queue_ready(root: u32, token: u32): void {
  const first = proxyDequeue(token, OUT, OUT + 8);
  const length = load<u32>(OUT, 8);
  log(
    `ready ${root} ${token}: ${first}, ${length} bytes; ${proxyDequeue(token, OUT, OUT + 8)} ${proxyDequeue(9, OUT, OUT)}`,
  );
}

export function proxy_on_request_headers(_id: u32, _count: u32, _end: u32): u32 {
  return 1;
}

export function proxy_on_response_headers(_id: u32, _count: u32, _end: u32): u32 {
  return 0;
}
