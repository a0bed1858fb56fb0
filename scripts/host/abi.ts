/** The constants of the proxy-wasm ABI 0.2.1 that the host and the tests need, named as in its specification. */

export const Result = {
  Ok: 0,
  NotFound: 1,
  BadArgument: 2,
  InvalidMemoryAccess: 6,
  Empty: 7,
  CasMismatch: 8,
  InternalFailure: 10,
} as const;

export const HeaderMap = {
  RequestHeaders: 0,
  RequestTrailers: 1,
  ResponseHeaders: 2,
  ResponseTrailers: 3,
  CalloutHeaders: 6,
} as const;
export type HeaderMap = (typeof HeaderMap)[keyof typeof HeaderMap];

export const BufferType = {
  RequestBody: 0,
  ResponseBody: 1,
  CalloutBody: 4,
  VmConfiguration: 6,
  PluginConfiguration: 7,
} as const;
export type BufferType = (typeof BufferType)[keyof typeof BufferType];

/** The direction of a stream that `proxy_continue_stream` continues. */
export const StreamType = { Request: 0, Response: 1 } as const;
export type StreamType = (typeof StreamType)[keyof typeof StreamType];

export const MetricType = { Counter: 0, Gauge: 1, Histogram: 2 } as const;
export type MetricType = (typeof MetricType)[keyof typeof MetricType];

/** The result of a headers, body or trailers callback. If a body callback pauses, its bytes stay in the host's buffer. */
export const Action = { Continue: 0, Pause: 1 } as const;
export type Action = number;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Headers in order, with names in lower case, as a proxy passes them on. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The integer values of the property `xds.listener_direction`. */
export const ListenerDirection = { Unspecified: 0, Inbound: 1, Outbound: 2 } as const;
