/** Detects that an upstream accepts no connections, from Envoy's statistics, and before there is any traffic. */
import { connect } from "node:net";
import { readSamples } from "../statistics/exposition.ts";

const FAILURES = "envoy_cluster_upstream_cx_connect_fail";
const PROBE_MS = 1000;

export class UpstreamWatch {
  /** An error code such as ECONNREFUSED; undefined while connections are possible. */
  #failure: string | undefined;
  #isKnown = false;
  #failures = 0;

  constructor(private readonly upstream: { host: string; port: number }) {}

  /**
   * Reads an exposition of the Envoy in front of the upstream. Probes the upstream with a connection of its own at the first
   * call, if Envoy's connections have failed since the last call, and until the upstream accepts connections again.
   * @returns one sentence if the upstream accepts no connections, otherwise undefined
   */
  async check(exposition: string): Promise<string | undefined> {
    const failures = readSamples(exposition, FAILURES).reduce((sum, { value }) => sum + value, 0);
    if (!this.#isKnown || this.#failure !== undefined || failures > this.#failures) {
      this.#failure = await probe(this.upstream);
      this.#isKnown = true;
    }
    this.#failures = failures;
    if (this.#failure === undefined) return undefined;
    const { host, port } = this.upstream;
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return `The MCP server at ${address} accepts no connections (${this.#failure}): Envoy answers with 503.`;
  }
}

/** Opens and closes a connection. Resolves to an error code if that fails, otherwise to undefined. */
function probe({ host, port }: { host: string; port: number }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS });
    const end = (failure?: string) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => end());
    socket.once("timeout", () => end("ETIMEDOUT"));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => end(code ?? message));
  });
}
