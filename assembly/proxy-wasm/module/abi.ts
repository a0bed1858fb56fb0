/**
 * The host functions of the proxy-wasm ABI 0.2.1 that this binding uses
 * (github.com/proxy-wasm/spec, abi-versions/v0.2.1).
 */

export enum Status {
  Ok,
  NotFound,
}

/** The return value of a headers, body or trailers callback. */
export enum Action {
  Continue,
  Pause,
}

export enum HeaderMapType {
  RequestHeaders = 0,
  ResponseHeaders = 2,
  CalloutResponseHeaders = 6,
}

export enum BufferType {
  RequestBody = 0,
  ResponseBody = 1,
  CalloutResponseBody = 4,
  PluginConfiguration = 7,
}

export enum StreamType {
  Request = 0,
  Response = 1,
}

export enum MetricType {
  Counter,
  Gauge,
  Histogram,
}

@external("env", "proxy_log")
export declare function proxy_log(level: i32, message: usize, length: usize): Status;

@external("env", "proxy_get_current_time_nanoseconds")
export declare function proxy_get_current_time_nanoseconds(time: usize): Status;

@external("env", "proxy_set_tick_period_milliseconds")
export declare function proxy_set_tick_period_milliseconds(period: u32): Status;

@external("env", "proxy_get_property")
export declare function proxy_get_property(path: usize, length: usize, value: usize, valueLength: usize): Status;

@external("env", "proxy_set_property")
export declare function proxy_set_property(path: usize, length: usize, value: usize, valueLength: usize): Status;

@external("env", "proxy_get_header_map_pairs")
export declare function proxy_get_header_map_pairs(type: HeaderMapType, data: usize, length: usize): Status;

@external("env", "proxy_get_header_map_value")
export declare function proxy_get_header_map_value(
  type: HeaderMapType,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): Status;

@external("env", "proxy_replace_header_map_value")
export declare function proxy_replace_header_map_value(
  type: HeaderMapType,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): Status;

@external("env", "proxy_add_header_map_value")
export declare function proxy_add_header_map_value(
  type: HeaderMapType,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): Status;

@external("env", "proxy_remove_header_map_value")
export declare function proxy_remove_header_map_value(type: HeaderMapType, name: usize, nameLength: usize): Status;

@external("env", "proxy_get_buffer_bytes")
export declare function proxy_get_buffer_bytes(
  type: BufferType,
  start: usize,
  maxLength: usize,
  data: usize,
  length: usize,
): Status;

@external("env", "proxy_set_buffer_bytes")
export declare function proxy_set_buffer_bytes(
  type: BufferType,
  start: usize,
  length: usize,
  data: usize,
  dataLength: usize,
): Status;

@external("env", "proxy_get_shared_data")
export declare function proxy_get_shared_data(
  key: usize,
  keyLength: usize,
  value: usize,
  valueLength: usize,
  cas: usize,
): Status;

@external("env", "proxy_set_shared_data")
export declare function proxy_set_shared_data(
  key: usize,
  keyLength: usize,
  value: usize,
  length: usize,
  cas: u32,
): Status;

@external("env", "proxy_register_shared_queue")
export declare function proxy_register_shared_queue(name: usize, length: usize, token: usize): Status;

@external("env", "proxy_resolve_shared_queue")
export declare function proxy_resolve_shared_queue(
  vm: usize,
  vmLength: usize,
  name: usize,
  length: usize,
  token: usize,
): Status;

@external("env", "proxy_enqueue_shared_queue")
export declare function proxy_enqueue_shared_queue(token: u32, message: usize, length: usize): Status;

@external("env", "proxy_dequeue_shared_queue")
export declare function proxy_dequeue_shared_queue(token: u32, message: usize, length: usize): Status;

@external("wasi_snapshot_preview1", "random_get")
export declare function random_get(to: usize, length: usize): i32;

@external("env", "proxy_define_metric")
export declare function proxy_define_metric(type: MetricType, name: usize, length: usize, id: usize): Status;

@external("env", "proxy_increment_metric")
export declare function proxy_increment_metric(id: u32, offset: i64): Status;

@external("env", "proxy_record_metric")
export declare function proxy_record_metric(id: u32, value: u64): Status;

@external("env", "proxy_send_local_response")
export declare function proxy_send_local_response(
  status: i32,
  details: usize,
  detailsLength: usize,
  body: usize,
  bodyLength: usize,
  headers: usize,
  headersLength: usize,
  grpcStatus: i32,
): Status;

@external("env", "proxy_http_call")
export declare function proxy_http_call(
  cluster: usize,
  clusterLength: usize,
  headers: usize,
  headersLength: usize,
  body: usize,
  bodyLength: usize,
  trailers: usize,
  trailersLength: usize,
  timeoutMs: u32,
  token: usize,
): Status;

@external("env", "proxy_set_effective_context")
export declare function proxy_set_effective_context(id: u32): Status;

@external("env", "proxy_done")
export declare function proxy_done(): Status;

@external("env", "proxy_continue_stream")
export declare function proxy_continue_stream(type: StreamType): Status;

@external("env", "proxy_call_foreign_function")
export declare function proxy_call_foreign_function(
  name: usize,
  nameLength: usize,
  argument: usize,
  argumentLength: usize,
  result: usize,
  resultLength: usize,
): Status;
