/** The filter with one rule of limits alone: whether it rejects a request shows what the rule is about. */
import { validlyConfigured } from "../filter/configured.ts";
import { exchange, type Plugin } from "../host/index.ts";
import type { CallerFacts } from "./caller.ts";
import { type Configuration, identityOf } from "./configuration.ts";
import type { Request } from "./request.ts";

/** What a rule limits, except for tokens. */
export type Field = "requests" | "repeats" | "concurrency";

/** An allowance that nobody uses up. */
const ENDLESS: Readonly<Record<Field, unknown>> = {
  requests: { amount: 1_000_000_000, per: "1s" },
  repeats: { amount: 1_000_000_000, per: "1s" },
  concurrency: 100_000,
};

/** The fields of a rule that decide whether it applies. */
export interface Scope {
  readonly from?: unknown;
  readonly to?: unknown;
}

/** The filter with a rule that applies as `scope` says, and with the configuration's paths, server and callers. `field` is what
 *  the rule limits, and `value` by how much. */
export function withRule(
  configuration: Configuration,
  scope: Scope,
  key: readonly unknown[],
  field: Field,
  value: unknown,
): Plugin {
  const { match, server, hold } = configuration;
  const rule = { name: "probed", ...scope, key, [field]: value };
  // A rule with a session in its key needs another one without it.
  const other = { name: "endless", ...scope, key: [], [field]: ENDLESS[field] };
  const probing = {
    match,
    identity: identityOf(configuration),
    limits: { rules: key.includes("session") ? [rule, other] : [rule] },
    ...(server !== undefined && { server }),
    ...(hold !== undefined && { hold }),
  };
  return validlyConfigured(probing, { allowHeadersStop: true });
}

/** Sends a request that the server does not answer. Returns whether the filter rejects it. */
export function isRejected(plugin: Plugin, { properties, headers }: CallerFacts, request: Request): boolean {
  const sent = { ...request, headers: { ...request.headers, ...headers } };
  return exchange(plugin, { request: sent, response: null, ended: "open" }, { properties }).stream.reply !== undefined;
}
