/** Clients of a proxy that serves TLS, with or without their own certificate. */
import { Agent, type Dispatcher, fetch as undiciFetch } from "undici";
import type { Fetch } from "../../scripts/demo/client.ts";
import type { Identity } from "./certificates.ts";

/** Connections to servers whose certificates this authority (PEM) has signed, as `identity` if given. */
export function dispatcherOf(ca: string, identity?: Identity, allowH2 = false): Dispatcher {
  return new Agent({ allowH2, connect: { ca, ...identity } });
}

/** undici's own `fetch`, because Node's lacks its options. `headers` are added to each request. */
export function fetchBy(dispatcher: Dispatcher, headers: Record<string, string> = {}): Fetch {
  const send = undiciFetch as unknown as (url: string | URL, init: object) => Promise<Response>;
  return (url, init) => {
    const all = new Headers(init?.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return send(url, { ...init, headers: [...all], dispatcher });
  };
}
