import { type Exchange, type ExchangeResult, type Plugin, exchange } from "../../host/index.ts";
import type { FilterCase } from "./case.ts";

/** How the bodies of an exchange are passed: uncut, or cut, with the ends of the case. */
export type Parts = ((body: Buffer) => Uint8Array[]) | undefined;

/** Sends the exchange through a plugin. A stream that {@link staysOpen} is left open. */
export function passCase(plugin: Plugin, input: FilterCase, parts: Parts): ExchangeResult {
  const { request, response, client, cluster, requestEnd, responseEnd } = input;
  const bodyOf = (body: Buffer) => parts?.(body) ?? body;
  const end = staysOpen(input) ? "open" : (input.reset ?? undefined);
  const spec: Exchange = {
    request: { ...request, body: bodyOf(request.body) },
    response: response && { ...response, body: bodyOf(response.body), ended: end },
    ended: end,
  };
  return exchange(plugin, spec, {
    properties: { "source.address": client, "xds.cluster_name": cluster },
    responseDelay: 5,
    ...(parts && { requestEnd, responseEnd }),
  });
}

/** Whether the stream stays open during later exchanges. */
export function staysOpen({ reset, staysOpen }: FilterCase): boolean {
  return reset !== null && staysOpen > 0;
}
