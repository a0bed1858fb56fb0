import { fromJson, fromProtobuf, response } from "../../unit/trace/otlp.ts";
import type { Callout } from "../../../scripts/host/callouts.ts";
import type { Plugin, Vm } from "../../../scripts/host/index.ts";

/** The parts of a span that tests compare. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly attributes?: readonly { key: string; value: { stringValue?: string; intValue?: string } }[];
}

interface Tree {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: readonly { key: string; value: { stringValue: string } }[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: readonly ReceivedSpan[];
    }[];
  }[];
}

/** How a collector answers: with 200 and nothing in the body where absent. */
export interface CollectorAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
  /** This many of the spans, at most, are rejected. */
  readonly rejected?: number;
}

export const CLUSTER = "otel";

/** The collector of a VM: reads what exporters have sent, and answers when a test wants it to. */
export class Collector {
  /** The spans that it accepted. */
  readonly spans: ReceivedSpan[] = [];
  rejected = 0;
  readonly #vm: Vm;

  constructor(vm: Vm) {
    this.#vm = vm;
  }

  /** The calls that wait for an answer. */
  get calls(): (Callout & { readonly rootId: number })[] {
    return [...this.#vm.callouts.pending.values()];
  }

  /** How many calls there have been. */
  get sent(): number {
    return this.#vm.callouts.sent;
  }

  /** Answers all calls of these plugins that wait, but none that come meanwhile. Returns how many they were. */
  answer(plugins: Plugin | readonly Plugin[], answer: CollectorAnswer = {}): number {
    const all = [plugins].flat();
    const calls = this.calls;
    for (const call of calls) {
      const plugin = all.find(({ id }) => id === call.rootId);
      if (plugin === undefined) throw new Error(`call ${call.token} is that of plugin ${call.rootId}`);
      this.#answer(plugin, call, answer);
    }
    return calls.length;
  }

  #answer(plugin: Plugin, call: Callout, { status = 200, headers, body, rejected = 0 }: CollectorAnswer): void {
    const type = headerOf(call, "content-type");
    const spans = spansOf(call);
    const count = Math.min(rejected, spans.length);
    if (status === 200) {
      this.spans.push(...spans.slice(count));
      this.rejected += count;
    }
    const isJson = type === "application/json";
    const partial = isJson
      ? Buffer.from(JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: "no" } }))
      : response(rejected, "no");
    const head = { ":status": String(status), "content-type": type, ...headers };
    plugin.respond(call.token, { headers: Object.entries(head), body: body ?? (rejected ? partial : Buffer.alloc(0)) });
  }
}

/** What a call has sent. Throws where that is no OTLP. */
export function requestOf(call: Callout): Tree {
  const isJson = headerOf(call, "content-type") === "application/json";
  return (isJson ? fromJson(call.body) : fromProtobuf(call.body)) as Tree;
}

/** Its spans. */
export function spansOf(call: Callout): ReceivedSpan[] {
  return requestOf(call).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => [...spans]));
}

export function headerOf({ headers }: Callout, name: string): string {
  return headers.find(([own]) => own === name)?.[1] ?? "";
}

/** The text of a span's attribute. */
export function attributeOf({ attributes = [] }: ReceivedSpan, name: string): string | undefined {
  return attributes.find(({ key }) => key === name)?.value.stringValue;
}
