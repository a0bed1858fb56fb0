/** Whether the filter lets documents pass, as it would in Envoy. */
import { Random } from "../../scripts/fuzz/random.ts";
import { exchange, type ExchangeRequest } from "../host/index.ts";
import { startFilter } from "../host/filter/filter.ts";
import type { Policy } from "./policies.ts";

/** So many requests go through one instance, so that what tests keep of them does not grow. */
const REQUESTS = 5000;

/** A proxy with this policy. Returns what says whether a request passes: undefined if it does, else the answer's details. */
export function guardedBy(policy: Policy): (request: ExchangeRequest) => string | undefined {
  const start = () => startFilter({ configuration: { match: { paths: ["/mcp"] }, access: policy } });
  let plugin = start();
  let requests = 0;
  return (request) => {
    if (++requests % REQUESTS === 0) plugin = start();
    return exchange(plugin, { request, response: null }).stream.reply?.details;
  };
}

/** A body in the pieces in which it may come. */
export function piecesOf(random: Random, body: Uint8Array): Uint8Array[] {
  const cuts = Array.from({ length: random.below(3) }, () => random.below(body.length + 1)).sort((a, b) => a - b);
  return [...cuts, body.length].map((end, index) => body.subarray(index === 0 ? 0 : cuts[index - 1], end));
}
