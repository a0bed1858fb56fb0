/** The measured limits: rules that admit every request. */
import { pathOf, WORKLOADS } from "./workloads.ts";

/** The maximum size of a request, which is also the size of Envoy's buffer. */
const BODY_LIMIT = "1MiB";

/** The name of the rule that admits. */
export const ADMITTING_RULE = "admit";

/** More than any run sends. */
const PLENTY = { amount: 1_000_000_000, per: "1s" };
const MAX_PERMITS = 100_000;

/** The benchmark's client has no certificate, so only its address identifies it. */
const RULE = { name: ADMITTING_RULE, key: ["address", "tool"], requests: PLENTY };

/** Without the tool in the key, so that all requests share the permits. */
const PERMITS = { name: ADMITTING_RULE, key: ["address"] };

const NO_ESTIMATES = { tokens: { estimate: false } };

/** No rule: each request is held until it is complete and has been read, and nothing else. */
export const NO_RULE = { ...NO_ESTIMATES, ...limits({ rules: [] }) };

/** One rule with requests. */
export const REQUESTS = { ...NO_ESTIMATES, ...limits({ rules: [RULE] }) };

/** The rule of {@link REQUESTS} in shadow mode: nothing is held. */
export const SHADOW = { ...NO_ESTIMATES, ...limits({ mode: "shadow", rules: [RULE] }) };

/** One rule with everything that can be limited. */
export const ALL = limits({ rules: [{ ...RULE, tokens: PLENTY, concurrency: MAX_PERMITS, repeats: PLENTY }] });

/** One rule with concurrency, and the same rule with a queue that no request ever enters. */
export const CONCURRENCY = { ...NO_ESTIMATES, ...limits({ rules: [{ ...PERMITS, concurrency: MAX_PERMITS }] }) };
export const QUEUE = {
  ...NO_ESTIMATES,
  ...limits({ rules: [{ ...PERMITS, concurrency: MAX_PERMITS, queue: {} }] }),
};

/**
 * A rule with a queue in which nearly every request waits: the default 16 connections share two permits, and no request
 * overtakes another one.
 */
export const WAITING = {
  ...NO_ESTIMATES,
  ...limits({ rules: [{ ...PERMITS, concurrency: 2, queue: { maxWait: "30s", maxLength: 250 } }] }),
};

/** A plugin configuration with these limits. */
function limits(section: object): object {
  return {
    match: { paths: WORKLOADS.filter(({ isMcp }) => isMcp).map(pathOf) },
    hold: { maxBodyBytes: BODY_LIMIT },
    limits: section,
  };
}
