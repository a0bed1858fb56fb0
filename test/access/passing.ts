/** Whether the filter passes documents, as it would in Envoy. */
import { Random } from "../../scripts/fuzz/random.ts";
import { exchange, type ExchangeRequest } from "../../scripts/host/index.ts";
import { startFilter } from "../host/filter/filter.ts";
import type { Policy } from "./policies.ts";

/** Number of requests through one instance, which bounds what tests keep of them. */
const REQUESTS = 5000;

export interface Passage {
  /** The details of the filter's answer; undefined if the request passes. */
  readonly details: string | undefined;
  /** The bytes that pass. Denied messages are rewritten. */
  readonly passed: Buffer;
}

/** A proxy with this policy. Returns a function that determines whether a request passes. */
export function guardedBy(policy: Policy): (request: ExchangeRequest) => Passage {
  const start = () => startFilter({ configuration: { match: { paths: ["/mcp"] }, access: policy } });
  let plugin = start();
  let requests = 0;
  return (request) => {
    if (++requests % REQUESTS === 0) plugin = start();
    const { reply, passedRequest } = exchange(plugin, { request, response: null }).stream;
    return { details: reply?.details, passed: Buffer.from(passedRequest) };
  };
}

/** A body in random chunks. */
export function piecesOf(random: Random, body: Uint8Array): Uint8Array[] {
  const cuts = Array.from({ length: random.below(3) }, () => random.below(body.length + 1)).sort((a, b) => a - b);
  return [...cuts, body.length].map((end, index) => body.subarray(index === 0 ? 0 : cuts[index - 1], end));
}
