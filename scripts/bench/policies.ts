/** The access policies that are measured: 100 rules, of which one allows every request. */
import { pathOf, WORKLOADS } from "./workloads.ts";

const RULES = 100;
/** The largest request, which is as much as Envoy buffers, too. */
const BODY_LIMIT = "1MiB";

/** The name of the rule that decides. */
export const DECIDING_RULE = "allow";

/** The benchmark's client, which shows no certificate. */
const FROM = [{ source: { ipBlocks: ["127.0.0.0/8"], anonymous: true } }];

/** A rule about this client and tools that it does not call, which takes the message to see. */
function other(index: number): object {
  const to = [{ operation: { tools: [`remove_${index}`, `remove_${index}_*`] } }];
  return { name: `deny-${index}`, action: "DENY", from: FROM, to };
}

const OTHERS = Array.from({ length: RULES - 1 }, (_, index) => other(index));

/** The last rule decides, by the message: each request waits until it is whole, and has been compared with all rules. */
export const LAST_RULE_DECIDES = policy([
  ...OTHERS,
  { name: DECIDING_RULE, action: "ALLOW", from: FROM, to: [{ operation: { methods: ["tools/*"] } }] },
]);

/** The first rule decides, by the caller alone: no request is held. */
export const FIRST_RULE_DECIDES = policy([{ name: DECIDING_RULE, action: "ALLOW", from: FROM }, ...OTHERS]);

/** A plugin configuration with this policy, without estimates. */
function policy(rules: readonly object[]): object {
  return {
    tokens: { estimate: false },
    match: { paths: WORKLOADS.filter(({ isMcp }) => isMcp).map(pathOf) },
    hold: { maxBodyBytes: BODY_LIMIT },
    access: { rules },
  };
}
