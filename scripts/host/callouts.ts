import type { HeaderList } from "./abi.ts";

/** A request that a module has sent through the proxy. */
export interface Callout {
  readonly token: number;
  readonly cluster: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

/** The result of a callout. Without headers, it failed. */
export interface CalloutResponse {
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** The pseudo-headers that Envoy requires in a request. */
const REQUIRED = [":method", ":path", ":authority"];

/** The callouts of a VM that wait for their responses, by token. */
export class Callouts {
  readonly pending = new Map<number, Callout & { readonly rootId: number }>();
  /** The number of callouts sent. */
  sent = 0;
  readonly #clusters: ReadonlySet<string>;
  #next = 1;

  /** @param clusters the clusters of the proxy, all of which have endpoints. */
  constructor(clusters: readonly string[]) {
    this.#clusters = new Set(clusters);
  }

  /** Sends a request. Returns its token; undefined if the proxy refuses it. */
  send(rootId: number, callout: Omit<Callout, "token">): number | undefined {
    const names = new Set(callout.headers.map(([name]) => name));
    if (!this.#clusters.has(callout.cluster) || !REQUIRED.every((name) => names.has(name))) return undefined;
    const token = this.#next++;
    this.sent += 1;
    this.pending.set(token, { ...callout, token, rootId });
    return token;
  }
}
