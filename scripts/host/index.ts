/** The proxy-wasm host: drives a module in Node as Envoy would, and shows what it did. */
export * from "./abi.ts";
export { HostCalls } from "./calls.ts";
export { Clock } from "./clock.ts";
export * from "./exchange.ts";
export type { GuestMemory } from "./guest-memory.ts";
export { decodeMetricName, formatMetricName, type MetricName } from "./metric-name.ts";
export { MetricStore, type Histogram, type LabelSelector } from "./metrics.ts";
export type { HostObserver } from "./observer.ts";
export { Plugin, type PluginOptions } from "./plugin.ts";
export type { Properties, PropertyValue } from "./properties.ts";
export type { ResetCause } from "./resets.ts";
export { SharedDataStore } from "./shared-data.ts";
export { SharedQueues } from "./shared-queues.ts";
export { HttpStream } from "./stream.ts";
export { loadModule, Vm, type LogLine, type VmOptions } from "./vm.ts";
