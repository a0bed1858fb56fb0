import { BufferType, type HeaderList, HeaderMap, ListenerDirection } from "./abi.ts";
import type { CalloutResponse } from "./callouts.ts";
import type { Context, Declaration } from "./context.ts";
import type { Properties, PropertyValue } from "./properties.ts";
import { HttpStream } from "./stream.ts";
import type { Vm } from "./vm.ts";

export interface PluginOptions {
  readonly name?: string;
  readonly rootId?: string;
  /** The plugin's configuration. An object is serialized as JSON. */
  readonly configuration?: string | Uint8Array | object;
  /** The value of `xds.listener_direction` in the plugin's streams. */
  readonly direction?: keyof typeof ListenerDirection;
  /** Envoy's `allow_on_headers_stop_iteration`: body callbacks run even while headers are held. */
  readonly allowHeadersStop?: boolean;
  /** The initial properties of all of the plugin's streams, in addition to the defaults. */
  readonly properties?: Properties;
}

/** A plugin instance: one filter entry of a listener or route, one root context of a VM. */
export class Plugin implements Context {
  readonly vm: Vm;
  readonly id: number;
  /** The result of the latest `proxy_on_configure`. */
  configured = false;
  /** The tick period that the module has set, in milliseconds; 0: none. */
  tickPeriod = 0;
  /** Whether the plugin was closed and ends later. */
  isPending = false;
  /** The filter-state types that the module has declared, by name. The first declaration of a name counts. */
  readonly declared = new Map<string, Declaration>();

  readonly allowHeadersStop: boolean;
  readonly #own: Properties;
  readonly #streamDefaults: Properties;
  #configuration: Uint8Array | undefined;
  /** The response of the callout whose callback is running. */
  #callout: CalloutResponse | undefined;

  constructor(vm: Vm, options: PluginOptions) {
    this.vm = vm;
    this.allowHeadersStop = options.allowHeadersStop ?? false;
    const configuration = configurationBytes(options.configuration ?? "");
    this.id = vm.host.rootId(options.name ?? "", configuration) ?? vm.allocateId();
    this.#own = {
      plugin_name: options.name ?? "",
      plugin_root_id: options.rootId ?? "",
      plugin_vm_id: vm.vmId,
    };
    this.#streamDefaults = {
      "source.address": "192.0.2.1:51234",
      "xds.cluster_name": "mcp_server",
      "xds.listener_direction": ListenerDirection[options.direction ?? "Unspecified"],
      "response.flags": 0,
      ...options.properties,
    };
    vm.register(this);
    vm.callback(this, "proxy_on_context_create", this.id, 0);
    const started = vm.callback(this, "proxy_on_vm_start", this.id, vm.vmConfiguration.length);
    if (started === 0) throw new Error("proxy_on_vm_start refused");
    this.configure(configuration);
  }

  /** Configures the plugin. Envoy does this once for each root context; a reload creates a new one. */
  configure(configuration: PluginOptions["configuration"] = ""): void {
    this.#configuration = configurationBytes(configuration);
    const answer = this.vm.callback(this, "proxy_on_configure", this.id, this.#configuration.length);
    // The configuration is readable only inside the callback, as in Envoy.
    this.#configuration = undefined;
    this.configured = answer !== 0;
  }

  /** Fires the timer once. False if the module has not set it. */
  tick(): boolean {
    if (this.tickPeriod === 0 || !this.vm.host.hasTicks) return false;
    this.vm.callback(this, "proxy_on_tick", this.id);
    return true;
  }

  /** Creates an HTTP stream through this plugin, with properties in addition to the plugin's. */
  stream(properties: Properties = {}): HttpStream {
    return new HttpStream(this, { ...this.#streamDefaults, ...properties });
  }

  /** Ends the plugin, like a removed listener after draining. If the plugin delays its end, it ends with {@link done}. */
  close(): void {
    if (!this.vm.host.endsPlugins) return this.vm.forget(this);
    this.isPending = this.vm.callback(this, "proxy_on_done", this.id) === 0;
    if (!this.isPending) this.#end();
  }

  done(): boolean {
    if (!this.isPending) return false;
    this.isPending = false;
    this.vm.afterCallback(() => this.#end());
    return true;
  }

  #end(): void {
    this.vm.forget(this);
    this.vm.callback(this, "proxy_on_delete", this.id);
  }

  get rootId(): number {
    return this.id;
  }

  /** Delivers the response to a callout of this plugin. Without a response, the callout has failed. */
  respond(token: number, response: CalloutResponse = { headers: [], body: Buffer.alloc(0) }): void {
    if (this.vm.callouts.pending.get(token)?.rootId !== this.id) throw new Error(`no callout ${token} waits`);
    this.vm.callouts.pending.delete(token);
    this.#callout = response;
    const { headers, body } = response;
    this.vm.callback(this, "proxy_on_http_call_response", this.id, token, headers.length, body.length, 0);
    this.#callout = undefined;
  }

  headers(map: HeaderMap): HeaderList {
    return map === HeaderMap.CalloutHeaders ? (this.#callout?.headers ?? []) : [];
  }

  editHeaders(): boolean {
    return false;
  }

  writeBuffer(): boolean {
    return false;
  }

  continue(): boolean {
    return false;
  }

  buffer(type: BufferType): Uint8Array | undefined {
    if (type === BufferType.CalloutBody) return this.#callout?.body;
    return type === BufferType.PluginConfiguration ? this.#configuration : this.vm.buffer(type);
  }

  property(path: string): PropertyValue | undefined {
    // Of the other properties, a plugin has only those of the proxy itself.
    return this.#own[path] ?? (path.startsWith("xds.node.") ? this.#streamDefaults[path] : undefined);
  }

  setState(): boolean {
    return false;
  }

  declare(declaration: Declaration): void {
    if (!this.declared.has(declaration.name)) this.declared.set(declaration.name, declaration);
  }

  answer(): boolean {
    return false;
  }

  setTickPeriod(milliseconds: number): void {
    this.tickPeriod = milliseconds;
  }
}

function configurationBytes(configuration: NonNullable<PluginOptions["configuration"]>): Uint8Array {
  if (configuration instanceof Uint8Array) return configuration;
  return Buffer.from(typeof configuration === "string" ? configuration : JSON.stringify(configuration));
}
