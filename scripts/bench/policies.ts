/** The measured access policies: 100 rules, one of which allows every request. */
import { pathOf, WORKLOADS } from "./workloads.ts";

const RULES = 100;
/** The maximum size of a request, which is also the size of Envoy's buffer. */
const BODY_LIMIT = "1MiB";

/** The name of the rule that decides. */
export const DECIDING_RULE = "allow";

/** The benchmark's client, which has no certificate. */
const FROM = [{ source: { ipBlocks: ["127.0.0.0/8"], anonymous: true } }];

/** A rule for this client and tools that it does not call, which only the message shows. */
function other(index: number): object {
  const to = [{ operation: { tools: [`remove_${index}`, `remove_${index}_*`] } }];
  return { name: `deny-${index}`, action: "DENY", from: FROM, to };
}

const OTHERS = Array.from({ length: RULES - 1 }, (_, index) => other(index));

/** The last rule decides, by the message: each request waits until it is complete, and is compared with all rules. */
export const LAST_RULE_DECIDES = policy([
  ...OTHERS,
  { name: DECIDING_RULE, action: "ALLOW", from: FROM, to: [{ operation: { methods: ["tools/*"] } }] },
]);

/** The first rule decides, by the caller alone: no request is held. */
export const FIRST_RULE_DECIDES = policy([{ name: DECIDING_RULE, action: "ALLOW", from: FROM }, ...OTHERS]);

/** Name prefix of the 111 denied tools in the list of 200. All others are allowed. */
const DENIED_START = "tool_1";
const HALF_OF_TOOLS = [
  { name: "half", action: "DENY", to: [{ operation: { tools: [`${DENIED_START}*`] } }] },
  { name: DECIDING_RULE, action: "ALLOW", to: [{ operation: { methods: ["tools/*"] } }] },
];

/** Lists show only what may be called, or everything. */
export const LISTS_FILTERED = policy(HALF_OF_TOOLS, { lists: "filter" });
export const LISTS_PASSED = policy(HALF_OF_TOOLS, { lists: "pass" });

/** The response that the client receives under {@link LISTS_FILTERED}. */
export function withHalfOfTools(answer: string): string {
  if (!answer.startsWith("{")) return answer;
  const message = JSON.parse(answer) as { result?: { tools?: { name: string }[] } };
  if (message.result?.tools === undefined) return answer;
  message.result.tools = message.result.tools.filter(({ name }) => !name.startsWith(DENIED_START));
  return JSON.stringify(message);
}

/** A plugin configuration with this policy and without token estimates. `more`: further fields of the policy. */
function policy(rules: readonly object[], more: object = {}): object {
  return {
    tokens: { estimate: false },
    match: { paths: WORKLOADS.filter(({ isMcp }) => isMcp).map(pathOf) },
    hold: { maxBodyBytes: BODY_LIMIT },
    access: { rules, ...more },
  };
}
