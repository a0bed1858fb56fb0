/**
 * A minimal module that shows the host's behaviour: it logs the arguments of every callback, and what it can read of
 * headers, bodies and properties.
 */

// @ts-ignore: decorator
@external("env", "proxy_log")
declare function proxyLog(level: u32, address: usize, length: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_current_time_nanoseconds")
declare function proxyTime(out: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_set_tick_period_milliseconds")
declare function proxySetTickPeriod(period: u32): u32;

// @ts-ignore: decorator
@external("env", "proxy_define_metric")
declare function proxyDefineMetric(type: u32, address: usize, length: usize, idOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_increment_metric")
declare function proxyIncrementMetric(id: u32, delta: i64): u32;

// @ts-ignore: decorator
@external("env", "proxy_record_metric")
declare function proxyRecordMetric(id: u32, value: u64): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_header_map_pairs")
declare function proxyHeaders(map: u32, addressOut: usize, lengthOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_buffer_bytes")
declare function proxyBuffer(type: u32, start: u32, maximum: u32, addressOut: usize, lengthOut: usize): u32;

// @ts-ignore: decorator
@external("env", "proxy_get_property")
declare function proxyProperty(path: usize, pathLength: usize, addressOut: usize, lengthOut: usize): u32;

/** The block for results of the host: an address or a number, then a length. */
const OUT: usize = memory.data(16);

/** The first byte of the configuration, which determines the results of callbacks and whether they trap. */
let mode: u8 = 0;

function log(level: u32, text: string): void {
  const bytes = String.UTF8.encode(text);
  proxyLog(level, changetype<usize>(bytes), bytes.byteLength);
}

/** Logs the bytes that the host has just returned, or that there were none. */
function logResult(what: string, result: u32): void {
  log(2, `${what}: result ${result}, ${load<u32>(OUT, 8)} bytes`);
  if (load<u32>(OUT, 8) > 0) proxyLog(1, load<u32>(OUT), load<u32>(OUT, 8));
}

function clearOut(): void {
  store<u32>(OUT, 0);
  store<u32>(OUT, 0, 8);
}

function logHeaders(map: u32): void {
  clearOut();
  const result = proxyHeaders(map, OUT, OUT + 8);
  const count = load<u32>(OUT, 8) > 0 ? load<u32>(load<u32>(OUT)) : 0;
  log(2, `headers ${map}: result ${result}, ${count} pairs`);
}

function logBuffer(type: u32, start: u32, maximum: u32): void {
  clearOut();
  logResult(`buffer ${type}`, proxyBuffer(type, start, maximum, OUT, OUT + 8));
}

function logProperty(path: string): void {
  clearOut();
  const bytes = String.UTF8.encode(path);
  logResult("property", proxyProperty(changetype<usize>(bytes), bytes.byteLength, OUT, OUT + 8));
}

/** Logs a property of 8 little-endian bytes. */
function logInteger(path: string): void {
  clearOut();
  const bytes = String.UTF8.encode(path);
  const result = proxyProperty(changetype<usize>(bytes), bytes.byteLength, OUT, OUT + 8);
  log(2, `integer: ${load<u32>(OUT, 8) == 8 ? load<i64>(load<u32>(OUT)) : -1}, result ${result}`);
}

/** Defines a metric and returns its id. */
function metric(type: u32, name: string): u32 {
  const bytes = String.UTF8.encode(name);
  proxyDefineMetric(type, changetype<usize>(bytes), bytes.byteLength, OUT);
  return load<u32>(OUT);
}

export function _initialize(): void {
  log(2, "initialize");
}

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  log(2, `create ${id} of ${parent}`);
}

export function proxy_on_vm_start(root: u32, size: u32): u32 {
  log(2, `vm_start ${root} ${size}`);
  logBuffer(6, 0, size);
  logBuffer(7, 0, 10);
  return 1;
}

export function proxy_on_configure(root: u32, size: u32): u32 {
  log(2, `configure ${root} ${size}`);
  logBuffer(7, 0, size);
  mode = size > 0 ? load<u8>(load<u32>(OUT)) : 0;
  proxySetTickPeriod(1000);
  return mode == 0x66 ? 0 : 1;
}

export function proxy_on_tick(root: u32): void {
  proxyTime(OUT);
  log(2, `tick ${root} at ${load<u64>(OUT)}`);
  const counter = metric(0, "role=.=server;.;hits");
  log(3, `increment: ${proxyIncrementMetric(counter, 2)} ${proxyIncrementMetric(counter, -1)}`);
  log(3, `increment: ${proxyIncrementMetric(counter, 0)} ${proxyIncrementMetric(4000, 1)}`);
  log(3, `twice: ${counter != metric(0, "role=.=server;.;hits")}`);
  const gauge = metric(1, "active");
  proxyRecordMetric(gauge, 5);
  proxyIncrementMetric(gauge, -2);
  const histogram = metric(2, "took");
  proxyRecordMetric(histogram, 7);
  log(3, `histogram: ${proxyIncrementMetric(histogram, 1)}`);
}

export function proxy_on_request_headers(id: u32, count: u32, end: u32): u32 {
  log(2, `request_headers ${id} ${count} ${end}`);
  if (mode == 0x74) unreachable();
  logHeaders(0);
  logProperty("xds\0cluster_name");
  logProperty("no\0such");
  return mode == 0x68 ? 1 : 0;
}

export function proxy_on_request_body(id: u32, size: u32, end: u32): u32 {
  log(2, `request_body ${id} ${size} ${end}`);
  logHeaders(0);
  logBuffer(0, 0, size);
  logBuffer(0, size, 10);
  if (mode == 0x6f) proxyBuffer(0, size + 1, 10, OUT, OUT + 8);
  return mode == 0x62 ? 1 : 0;
}

export function proxy_on_request_trailers(id: u32, count: u32): u32 {
  log(2, `request_trailers ${id} ${count}`);
  logHeaders(1);
  return 0;
}

export function proxy_on_response_headers(id: u32, count: u32, end: u32): u32 {
  log(2, `response_headers ${id} ${count} ${end}`);
  logHeaders(2);
  return 0;
}

export function proxy_on_response_body(id: u32, size: u32, end: u32): u32 {
  log(2, `response_body ${id} ${size} ${end}`);
  logBuffer(1, 0, size);
  return 0;
}

export function proxy_on_log(id: u32): void {
  log(2, `log ${id}`);
  logHeaders(0);
  logHeaders(2);
  logBuffer(1, 0, 10);
  logProperty("response\0code_details");
  logInteger("response\0flags");
  logInteger("xds\0listener_direction");
}

export function proxy_on_done(id: u32): u32 {
  log(2, `done ${id}`);
  logHeaders(0);
  return 1;
}

export function proxy_on_delete(id: u32): void {
  log(2, `delete ${id}`);
}
