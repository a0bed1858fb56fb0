import { type HttpStream, type Plugin, type ResetCause, Vm, loadModule } from "../../host/index.ts";
import { cut } from "../../../test/unit/chunks.ts";
import { type FilterCase, begunBy, mayAskClient } from "../filter/case.ts";
import { checkDocumented } from "../filter/documented.ts";
import { ExchangeGenerator } from "../filter/generate.ts";
import { type Parts, passCase, staysOpen } from "../filter/pass.ts";
import { POLICY_CONFIGURATION, checkPassage } from "../filter/policy.ts";
import { WatchedStore } from "../filter/watched-store.ts";
import { MemoryWatch } from "../memory.ts";
import { messageCorpus } from "../messages.ts";
import { type Batch, Mismatch, type Target, same } from "../target.ts";

const LABELS = { maxTools: 8, maxServers: 3, caller: true };
const CONFIGURATION = { labels: LABELS, sessions: { idleTimeout: "30s", callerKey: ["x-caller", "baggage.userId"] } };
/** Names have a cap for each server, and one for the servers beyond the cap on servers. */
const NAMES = LABELS.maxTools * (LABELS.maxServers + 1);
const CAPS = { gen_ai_tool_name: NAMES, gen_ai_prompt_name: NAMES, mcp_server: LABELS.maxServers };
const WARM_UP = 2000;
/** Seconds until everything has been recorded: what waits for the idle timeout, and gauges every 5 s. */
const SETTLING = 50;

/**
 * Records spans of everything, for a collector that the proxy does not have, so that all of them are dropped in the
 * end.
 */
const TRACE_CONFIGURATION = { trace: { cluster: "otel", sample: { ratio: 1 } } };

/** The built filter, twice: one gets all bodies uncut, the other one cut. Also with an access policy and traces. */
export const filter: Target<FilterCase> = {
  begin(random): Batch<FilterCase> {
    let generator: ExchangeGenerator | undefined;
    const pairs = [
      new FilterPair(CONFIGURATION),
      new FilterPair({ ...CONFIGURATION, ...POLICY_CONFIGURATION, ...TRACE_CONFIGURATION }),
    ];
    return {
      generate() {
        generator ??= new ExchangeGenerator(random, messageCorpus(random), random.oneIn(2));
        return generator.next();
      },
      check: (input) => pairs.forEach((pair) => pair.check(input)),
      finish: () => pairs.forEach((pair) => pair.finish()),
    };
  },
};

/** A stream that is still open in both filters. */
interface OpenStream {
  readonly streams: readonly HttpStream[];
  readonly reset: ResetCause;
  /** The number of the exchange before which the stream is reset. */
  readonly until: number;
}

/** The two filters, which process the same exchanges. */
class FilterPair {
  readonly #whole: Filter;
  readonly #inParts: Filter;
  readonly #filters: readonly Filter[];
  readonly #memory: MemoryWatch;
  #open: OpenStream[] = [];
  #passed = 0;
  /** Number of operations begun so far; undefined if it is not certain. */
  #begun: number | undefined = 0;
  /** A server may have sent a request to its client, which is an operation too. */
  #mayHaveAsked = false;

  constructor(configuration: object) {
    this.#whole = new Filter(configuration);
    this.#inParts = new Filter(configuration);
    this.#filters = [this.#whole, this.#inParts];
    this.#memory = new MemoryWatch(() => this.#whole.pages + this.#inParts.pages, WARM_UP);
    // A request that is rejected unread is not an operation.
    if ("access" in configuration) this.#begun = undefined;
  }

  check(input: FilterCase): void {
    for (const each of this.#filters) each.passSeconds(input.seconds);
    this.#close((stream) => stream.until <= this.#passed);
    const streams = [this.#whole.pass(input), this.#inParts.pass(input, (body) => cut(body, input.sizes))];
    const [whole, inParts] = streams.map(({ reply }) => reply?.status);
    same("status of the answer to the body in parts", inParts, whole);
    if (staysOpen(input) && whole === undefined)
      this.#open.push({ streams, reset: input.reset!, until: this.#passed + input.staysOpen });
    const begun = begunBy(input);
    if (this.#begun !== undefined) this.#begun = begun === undefined ? undefined : this.#begun + begun;
    this.#mayHaveAsked ||= mayAskClient(input);
    this.#passed++;
    this.#memory.count();
    this.#compare();
  }

  finish(): void {
    this.#close(() => true);
    for (const each of this.#filters) each.passSeconds(SETTLING);
    this.#compare();
    for (const { store } of this.#filters) {
      for (const gauge of ["mcp_operations_in_flight", "mcp_streams_active"]) {
        for (const [series, value] of Object.entries(store.gauges(gauge))) same(series, value, 0);
      }
      const ended = store.counter("mcp_operations_total");
      if (this.#begun !== undefined && (!this.#mayHaveAsked || ended < this.#begun)) {
        same("operations ended", ended, this.#begun);
      }
      checkDocumented(store.defined, CAPS);
    }
    this.#memory.check("the filter");
  }

  #close(isDue: (stream: OpenStream) => boolean): void {
    const due = this.#open.filter(isDue);
    this.#open = this.#open.filter((stream) => !due.includes(stream));
    for (const { streams, reset } of due) for (const stream of streams) stream.reset(reset);
  }

  #compare(): void {
    if (this.#whole.store.digest === this.#inParts.store.digest) return;
    const [whole, inParts] = this.#filters.map(({ store }) => Object.entries(store.counters()).map(String).sort());
    const only = (some: string[], others: string[]) => some.filter((each) => !others.includes(each));
    throw new Mismatch("counters of the bodies in parts", only(inParts, whole), only(whole, inParts));
  }
}

/** One instance of the filter. */
class Filter {
  readonly store = new WatchedStore();
  readonly #plugin: Plugin;
  readonly #isGuarded: boolean;

  constructor(configuration: object) {
    this.#isGuarded = "access" in configuration;
    const options = { configuration, allowHeadersStop: true };
    this.#plugin = new Vm(loadModule(), { metrics: this.store }).plugin(options);
    // An invalid configuration is not an error of configure, because a substitute would apply.
    const fault = this.#plugin.vm.logs.find(({ message }) => message.startsWith("invalid configuration"));
    if (fault) throw new Error(fault.message);
  }

  /** Number of pages of the module's memory. */
  get pages(): number {
    return this.#plugin.vm.memoryPages();
  }

  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#plugin.vm.clock.advance(1000);
      this.#plugin.tick();
    }
  }

  /** Sends an exchange through the filter, and checks the result. */
  pass(input: FilterCase, parts?: Parts): HttpStream {
    const { stream, actions } = passCase(this.#plugin, input, parts);
    checkPassage(input, stream, actions, this.#isGuarded);
    return stream;
  }
}
