/** The compared variants: one HTTP filter each, in front of the same upstream. */
import type { HttpFilter, WasmFilter } from "./bootstrap.ts";
import { compile } from "../compile.ts";
import { ADMITTING_RULE, ALL, CONCURRENCY, NO_RULE, QUEUE, REQUESTS, SHADOW, WAITING } from "./limits.ts";
import {
  DECIDING_RULE,
  FIRST_RULE_DECIDES,
  LAST_RULE_DECIDES,
  LISTS_FILTERED,
  LISTS_PASSED,
  withHalfOfTools,
} from "./policies.ts";
import { SAMPLED, UNSAMPLED } from "./traces/configuration.ts";

/** One filter. A new variant is only a new entry of {@link VARIANTS}. */
export interface Variant {
  /** The name for `--variants`, also of the listener and the cluster. */
  id: string;
  title: string;
  /** Creates the filter from the shipped one, which it may change; undefined for no filter. */
  filter: (shipped: WasmFilter) => Promise<HttpFilter | undefined>;
  /** How the variant's work is proved: see proof.ts. */
  proof?: "operations" | "faults";
  /** The rule of the access policy that decides every request, which is proved too. */
  decidedBy?: string;
  /** The rule of the limits that admits every request, which is proved too. */
  admittedBy?: string;
  /** The response that the client receives; the original one if absent. */
  received?: (answer: string) => string;
  /** Requests wait for that rule, and the proof contains their number. */
  queues?: true;
  /** Whether a span of each operation is exported, or of none, which is proved too. */
  spans?: "all" | "none";
}

/** Larger than any request. By default the native filter reads up to 8 KiB. */
const NATIVE_BODY_LIMIT = 8 << 20;

/** All variants. The first three are the references for the others. */
export const VARIANTS: readonly Variant[] = [
  {
    id: "none",
    title: "no filter",
    filter: async () => undefined,
  },
  {
    id: "floor",
    title: "a Wasm filter that does nothing",
    filter: async (shipped) => withModule(shipped, await compile("scripts/bench/modules/floor.as.ts", FOR_PROXY)),
  },
  {
    id: "native",
    title: "Envoy's own MCP filter, `envoy.filters.http.mcp`",
    filter: async () => ({
      name: "envoy.filters.http.mcp",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.mcp.v3.Mcp",
        max_request_body_size: NATIVE_BODY_LIMIT,
      },
    }),
    proof: "faults",
  },
  {
    id: "headers",
    title: "a Wasm filter that only reads the request's headers",
    filter: async (shipped) => withModule(shipped, await compile("scripts/bench/modules/headers.as.ts", FOR_PROXY)),
  },
  {
    id: "tokens",
    title: "this filter with its default configuration",
    filter: async (shipped) => configured(shipped, {}),
    proof: "operations",
  },
  {
    id: "statistics",
    title: "this filter without token estimates",
    filter: async (shipped) => configured(shipped, { tokens: { estimate: false } }),
    proof: "operations",
  },
  {
    id: "log-fields",
    title: "as `tokens`, with the fields for the access log",
    filter: async (shipped) => configured(shipped, { logFields: true }),
    proof: "operations",
  },
  {
    id: "traces-unsampled",
    title: "as `statistics`, with traces: only errors are sampled",
    filter: async (shipped) => configured(shipped, UNSAMPLED),
    proof: "operations",
    spans: "none",
  },
  {
    id: "traces",
    title: "as `statistics`, with traces: the span of each operation is exported",
    filter: async (shipped) => configured(shipped, SAMPLED),
    proof: "operations",
    spans: "all",
  },
  {
    id: "policy-first",
    title:
      "as `statistics`, with an access policy of 100 rules. The first rule decides by the caller, so no request is held",
    filter: async (shipped) => configured(shipped, FIRST_RULE_DECIDES),
    proof: "operations",
    decidedBy: DECIDING_RULE,
  },
  {
    id: "policy-last",
    title:
      "as `statistics`, with an access policy of 100 rules. The last rule decides by the message, so each request is held until it is complete",
    filter: async (shipped) => configured(shipped, LAST_RULE_DECIDES),
    proof: "operations",
    decidedBy: DECIDING_RULE,
  },
  {
    id: "lists-pass",
    title: "as `statistics`, with an access policy that denies half of the tools of (g). Lists are not filtered",
    filter: async (shipped) => configured(shipped, LISTS_PASSED),
    proof: "operations",
    decidedBy: DECIDING_RULE,
  },
  {
    id: "lists",
    title: "as `lists-pass`, but lists are filtered",
    filter: async (shipped) => configured(shipped, LISTS_FILTERED),
    proof: "operations",
    decidedBy: DECIDING_RULE,
    received: withHalfOfTools,
  },
  {
    id: "limits-none",
    title: "as `statistics`, with limits that have no rule. Each request is held until it is complete and read",
    filter: async (shipped) => configured(shipped, NO_RULE),
    proof: "operations",
  },
  {
    id: "limits",
    title: "as `limits-none`, with a rule that limits requests by address and tool",
    filter: async (shipped) => configured(shipped, REQUESTS),
    proof: "operations",
    admittedBy: ADMITTING_RULE,
  },
  {
    id: "limits-shadow",
    title: "as `limits`, in shadow mode: no request is held",
    filter: async (shipped) => configured(shipped, SHADOW),
    proof: "operations",
    admittedBy: ADMITTING_RULE,
  },
  {
    id: "limits-all",
    title: "as `tokens`, with a rule that limits requests, tokens, concurrency and repetitions",
    filter: async (shipped) => configured(shipped, ALL),
    proof: "operations",
    admittedBy: ADMITTING_RULE,
  },
  {
    id: "limits-concurrency",
    title: "as `statistics`, with a rule that limits concurrency",
    filter: async (shipped) => configured(shipped, CONCURRENCY),
    proof: "operations",
    admittedBy: ADMITTING_RULE,
  },
  {
    id: "limits-queue",
    title: "as `limits-concurrency`, with a queue in which no request waits",
    filter: async (shipped) => configured(shipped, QUEUE),
    proof: "operations",
    admittedBy: ADMITTING_RULE,
  },
  {
    id: "limits-waiting",
    title: "as `limits-queue`, with 2 permits. With 16 connections, nearly every request waits",
    filter: async (shipped) => configured(shipped, WAITING),
    proof: "operations",
    admittedBy: ADMITTING_RULE,
    queues: true,
  },
];

const FOR_PROXY = { forProxy: true };

/** Each variant, followed by the same one with another module (a path) if it is our filter. */
export function withOld(variants: readonly Variant[], module: string): Variant[] {
  return variants.flatMap((variant) => {
    if (variant.proof !== "operations") return [variant];
    const filter = async (shipped: WasmFilter) => variant.filter(withModule(shipped, module));
    return [variant, { ...variant, id: oldIdOf(variant.id), title: `${variant.title}: the old module`, filter }];
  });
}

/** The id of a variant with the old module. */
export function oldIdOf(id: string): string {
  return `${id}-old`;
}

/** The shipped filter with this configuration. */
function configured(shipped: WasmFilter, pluginConfig: object): WasmFilter {
  shipped.typed_config.config.configuration.value = JSON.stringify(pluginConfig);
  return shipped;
}

/** The shipped filter with another module. */
function withModule(shipped: WasmFilter, path: string): WasmFilter {
  shipped.typed_config.config.vm_config.code.local.filename = path;
  return shipped;
}
