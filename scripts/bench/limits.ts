/** The limits that are measured: rules that admit every request. */
import { pathOf, WORKLOADS } from "./workloads.ts";

/** The largest request, which is as much as Envoy buffers, too. */
const BODY_LIMIT = "1MiB";

/** The name of the rule that admits. */
export const ADMITTING_RULE = "admit";

/** More than any run sends. */
const PLENTY = { amount: 1_000_000_000, per: "1s" };
const MOST_PERMITS = 100_000;

/** The benchmark's client shows no certificate, so that nothing but its address tells it apart. */
const RULE = { name: ADMITTING_RULE, key: ["address", "tool"], requests: PLENTY };

/** Without the tool, so that permits are those of all. */
const PERMITS = { name: ADMITTING_RULE, key: ["address"] };

const NO_ESTIMATES = { tokens: { estimate: false } };

/** No rule: each request is held until it is whole and has been read, and nothing else. */
export const NO_RULE = { ...NO_ESTIMATES, ...limits({ rules: [] }) };

/** One rule with requests. */
export const REQUESTS = { ...NO_ESTIMATES, ...limits({ rules: [RULE] }) };

/** The same, tried out: nothing is held. */
export const SHADOW = { ...NO_ESTIMATES, ...limits({ mode: "shadow", rules: [RULE] }) };

/** One rule with all that can be limited. */
export const ALL = limits({ rules: [{ ...RULE, tokens: PLENTY, concurrency: MOST_PERMITS, repeats: PLENTY }] });

/** One rule with concurrency, and the same with a queue, which nothing ever enters. */
export const CONCURRENCY = { ...NO_ESTIMATES, ...limits({ rules: [{ ...PERMITS, concurrency: MOST_PERMITS }] }) };
export const QUEUE = {
  ...NO_ESTIMATES,
  ...limits({ rules: [{ ...PERMITS, concurrency: MOST_PERMITS, queue: {} }] }),
};

/** The same where nearly every request waits: 16 connections, as many as there are unless told otherwise, share two permits, and none
 *  overtakes another one. */
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
