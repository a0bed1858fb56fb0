import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";

import { BufferType, type LogLevel } from "./abi.ts";
import { Callouts } from "./callouts.ts";
import { HostCalls } from "./calls.ts";
import { Clock } from "./clock.ts";
import type { Context } from "./context.ts";
import { GuestMemory } from "./guest-memory.ts";
import { envoy } from "./hosts/envoy.ts";
import type { HostKind } from "./hosts/host-kind.ts";
import { crash } from "./hosts/traps.ts";
import { hostImports, type HostState } from "./imports.ts";
import { MetricIds, MetricStore } from "./metrics.ts";
import type { HostObserver } from "./observer.ts";
import { Plugin, type PluginOptions } from "./plugin.ts";
import { SharedDataStore } from "./shared-data.ts";
import { type QueueOwner, SharedQueues } from "./shared-queues.ts";

/** A log line of the module, with the context whose callback wrote it. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly contextId: number;
}

export interface VmOptions {
  /** The kind of host to imitate; Envoy by default. */
  readonly host?: HostKind;
  /** Shared between the VMs of one proxy process. */
  readonly metrics?: MetricStore;
  readonly clock?: Clock;
  /** Shared between the VMs of one proxy process that have the same vm_id. */
  readonly sharedData?: SharedDataStore;
  /** Shared between the VMs of one proxy process that have the same vm_id. */
  readonly queues?: SharedQueues;
  /** The clusters that callouts can reach; none by default. */
  readonly clusters?: readonly string[];
  readonly vmId?: string;
  readonly vmConfiguration?: string;
  /** Returns the bytes for `random_get`; the system's random bytes by default. */
  readonly random?: (size: number) => Uint8Array;
  readonly observer?: HostObserver;
  /** Further imports of the module besides the ABI, by module. */
  readonly imports?: WebAssembly.Imports;
}

/** The nesting depth of local replies at which the worker's stack overflows. Envoy 1.40 survives 300 local replies in one
 *  tick, but not 350. */
const STACK_LIMIT = 256;

/** One instance of a module, as in a worker thread of the proxy. It hosts any number of plugins. */
export class Vm implements HostState, QueueOwner {
  readonly host: HostKind;
  readonly metrics: MetricStore;
  readonly metricIds: MetricIds;
  readonly clock: Clock;
  readonly sharedData: SharedDataStore;
  readonly queues: SharedQueues;
  readonly callouts: Callouts;
  readonly vmId: string;
  readonly vmConfiguration: Uint8Array;
  readonly random: (size: number) => Uint8Array;
  readonly observer: HostObserver | undefined;
  readonly calls = new HostCalls();
  readonly logs: LogLine[] = [];
  /** What the host itself would log as a warning or worse because of the module, and its crashes, oldest first. Envoy's are
   *  not recorded. */
  readonly alerts: string[] = [];
  readonly memory: GuestMemory;
  /** Set by the first trap. Envoy never calls such a VM again, nor does this host. */
  failure: Error | undefined;

  readonly #exports: WebAssembly.Exports;
  readonly #contexts = new Map<number, Context>();
  #context: Context | undefined;
  #step = "";
  #nextId = 1;
  readonly #afterCallback: (() => void)[] = [];
  #depth = 0;

  /** The deepest nesting of local replies so far: see {@link afterCallback}. */
  deepest = 0;

  constructor(module: WebAssembly.Module, options: VmOptions = {}) {
    this.host = options.host ?? envoy;
    this.metrics = options.metrics ?? new MetricStore();
    this.metricIds = new MetricIds(this.metrics);
    this.clock = options.clock ?? new Clock();
    this.sharedData = options.sharedData ?? new SharedDataStore();
    this.queues = options.queues ?? new SharedQueues();
    this.callouts = new Callouts(options.clusters ?? []);
    this.vmId = options.vmId ?? "";
    this.vmConfiguration = Buffer.from(options.vmConfiguration ?? "");
    this.random = options.random ?? ((size) => randomFillSync(new Uint8Array(size)));
    this.observer = options.observer;
    this.#exports = new WebAssembly.Instance(module, { ...options.imports, ...hostImports(this) }).exports;
    for (const name of ["proxy_abi_version_0_2_1", "proxy_on_memory_allocate", ...this.host.requiredExports]) {
      if (typeof this.#exports[name] !== "function") throw new Error(`the module does not export ${name}`);
    }
    const allocate = this.#exports.proxy_on_memory_allocate as (size: number) => number;
    this.memory = new GuestMemory(this.#exports.memory as WebAssembly.Memory, allocate);
    this.#run("_initialize", []);
  }

  /** Starts another plugin (root context) in this VM, and configures it. */
  plugin(options: PluginOptions = {}): Plugin {
    return new Plugin(this, options);
  }

  /** The size of the module's memory in pages of 64 KiB. */
  memoryPages(): number {
    return this.memory.pages;
  }

  /** The context whose callback is running. */
  get context(): Context {
    if (this.#context === undefined) throw new Error("the module called its host outside of a context");
    return this.#context;
  }

  /** The name of the running callback; empty outside of callbacks. */
  get step(): string {
    return this.#step;
  }

  /** Context ids are never reused in a VM. Root contexts and streams share them. */
  allocateId(): number {
    return this.#nextId++;
  }

  /** Registers a context by its id. */
  register(context: Context): void {
    this.#contexts.set(context.id, context);
  }

  /**
   * Runs `action` when the callback ends, as Envoy sends local replies. The action itself calls the module, and the end of
   * that callback runs the remaining actions. So the actions of one callback are nested, each in the previous one.
   */
  afterCallback(action: () => void): void {
    this.#afterCallback.push(action);
  }

  /** Runs `proxy_on_queue_ready` of a root context. Does nothing if it no longer exists or the VM has failed. */
  wake(rootId: number, token: number): void {
    const root = this.#contexts.get(rootId);
    if (root !== undefined && this.failure === undefined) this.callback(root, "proxy_on_queue_ready", rootId, token);
  }

  /** Removes a context that has ended. */
  forget(context: Context): void {
    this.#contexts.delete(context.id);
  }

  /** Makes another context current. False, without a change, if the id does not exist. */
  serve(id: number): boolean {
    const context = this.#contexts.get(id);
    if (context !== undefined) this.#context = context;
    return context !== undefined;
  }

  /** Records a log line of the module. */
  log(level: LogLevel, message: string): void {
    this.logs.push({ level, message, contextId: this.#context?.id ?? 0 });
  }

  /** The VM's own buffers; the others belong to the contexts. */
  buffer(type: BufferType): Uint8Array | undefined {
    return type === BufferType.VmConfiguration ? this.vmConfiguration : undefined;
  }

  /** Runs a callback of the module for a context. Undefined if the module does not export it. */
  callback(context: Context, name: string, ...args: number[]): number | undefined {
    this.#context = context;
    this.#step = name;
    try {
      return this.#run(name, args);
    } finally {
      this.#context = undefined;
      this.#step = "";
      this.#runAfterCallback();
    }
  }

  #runAfterCallback(): void {
    if (this.failure !== undefined) this.#afterCallback.length = 0;
    this.#depth += 1;
    this.deepest = Math.max(this.deepest, this.#depth);
    try {
      for (let action = this.#afterCallback.shift(); action !== undefined; action = this.#afterCallback.shift())
        action();
    } finally {
      this.#depth -= 1;
    }
  }

  #run(name: string, args: number[]): number | undefined {
    if (this.failure !== undefined) throw new Error(`${name} on a VM that has failed`, { cause: this.failure });
    const callback = this.#exports[name];
    if (typeof callback !== "function" && !this.host.crashesWithout(name)) return undefined;
    try {
      if (typeof callback !== "function") crash(this, `the module does not export ${name}`);
      if (this.#depth > STACK_LIMIT) throw new RangeError("Maximum call stack size exceeded");
      this.observer?.callbackStarted(name, args);
      const result = (callback as (...args: number[]) => number | undefined)(...args);
      this.observer?.callbackReturned(name, result);
      return result;
    } catch (error) {
      this.failure = new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      throw this.failure;
    }
  }
}

const modules = new Map<string, WebAssembly.Module>();

/** Compiles a module, once per test file. */
export function loadModule(path = "build/mcp.wasm"): WebAssembly.Module {
  let module = modules.get(path);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(path));
    modules.set(path, module);
  }
  return module;
}
