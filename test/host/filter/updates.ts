/** A proxy whose listeners receive new configurations as in Envoy: in place, while connections stay open. */
import { Clock, loadModule, MetricStore, type Plugin, SharedDataStore, Vm } from "../../../scripts/host/index.ts";
import { type Answer, ask, type Asking } from "./access.ts";
import { toolCall } from "./filter.ts";

/** One configuration of a listener: a filter chain. It drains once another one is live, and then ends. */
export class Chain {
  readonly configuration: string;
  /** A plugin instance in each worker's VM. Chains of one plugin with equal configurations share them. */
  readonly plugins: readonly Plugin[];

  constructor(configuration: string, plugins: readonly Plugin[]) {
    this.configuration = configuration;
    this.plugins = plugins;
  }
}

/** A proxy process: a VM for each worker, and what they share. */
export class Proxy {
  readonly shared = { metrics: new MetricStore(), clock: new Clock(), sharedData: new SharedDataStore() };
  readonly workers: Vm[];
  /** All chains that are live or drain. */
  readonly chains = new Set<Chain>();
  readonly #names = new Map<Chain, string>();
  #connections = 0;

  constructor(workers = 1) {
    this.workers = Array.from({ length: workers }, () => new Vm(loadModule(), this.shared));
  }

  /** Connection ids rise in the order in which connections open, over all workers and listeners. */
  nextConnectionId(): number {
    return ++this.#connections;
  }

  /** Creates a chain. If one with an equal configuration still exists, Envoy reuses its plugin instances without any call. */
  open(name: string, configuration: string): Chain {
    const twin = [...this.chains].find(
      (chain) => chain.configuration === configuration && this.#names.get(chain) === name,
    );
    const options = { name, rootId: "root", configuration, properties: { "xds.cluster_name": "tools" } };
    const chain = new Chain(configuration, twin?.plugins ?? this.workers.map((vm) => vm.plugin(options)));
    this.chains.add(chain);
    this.#names.set(chain, name);
    return chain;
  }

  /** Ends a drained chain. Its plugin instances end, unless another chain has the same ones. */
  end(chain: Chain): void {
    this.chains.delete(chain);
    if ([...this.chains].some(({ plugins }) => plugins === chain.plugins)) return;
    for (const plugin of chain.plugins) plugin.close();
  }

  /** The plugin instances of all chains. */
  plugins(): Plugin[] {
    return [...new Set([...this.chains].flatMap(({ plugins }) => plugins))];
  }

  /** Advances the time by seconds, with a tick of each plugin instance in each. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.shared.clock.advance(1000);
      for (const plugin of this.plugins()) plugin.tick();
    }
  }
}

/** A listener with one plugin. */
export class Listener {
  readonly proxy: Proxy;
  readonly name: string;
  #chain: Chain;

  constructor(proxy: Proxy, configuration: string | object, name = "mcp") {
    this.proxy = proxy;
    this.name = name;
    this.#chain = proxy.open(name, textOf(configuration));
  }

  /** The live chain. */
  get chain(): Chain {
    return this.#chain;
  }

  /** Applies a new configuration. Returns the chain that drains from now on. */
  push(configuration: string | object): Chain {
    const before = this.#chain;
    this.#chain = this.proxy.open(this.name, textOf(configuration));
    return before;
  }

  /** A new connection, which one of the workers accepts. */
  connect(worker = 0): Connection {
    return new Connection(this.proxy.nextConnectionId(), this.#chain.plugins[worker]);
  }
}

/** A client's connection, which stays with the chain that was live when it was opened. */
export class Connection {
  readonly id: number;
  readonly plugin: Plugin;

  constructor(id: number, plugin: Plugin) {
    this.id = id;
    this.plugin = plugin;
  }

  /** Calls a tool. */
  call(tool: string, asking: Asking = {}): Answer {
    const properties = { "connection.id": this.id, ...asking.properties };
    return ask(this.plugin, toolCall(tool), { ...asking, properties });
  }

  /** Whether each of these tools may be called. */
  allows(...tools: string[]): boolean[] {
    return tools.map((tool) => this.call(tool).reply === undefined);
  }
}

function textOf(configuration: string | object): string {
  return typeof configuration === "string" ? configuration : JSON.stringify(configuration);
}
