/** Notices that nothing accepts connections at an upstream, by Envoy's statistics and before any traffic. */
import { connect } from "node:net";
import { readSamples } from "../envoy/exposition.ts";

const FAILURES = "envoy_cluster_upstream_cx_connect_fail";
const PROBE_MS = 1000;

export class UpstreamWatch {
  /** An error code such as ECONNREFUSED while no connection is possible. */
  #failure: string | undefined;
  #isKnown = false;
  #failures = 0;

  constructor(private readonly upstream: { host: string; port: number }) {}

  /**
   * Looks at an exposition of the Envoy in front. Connects to the upstream by itself at the first call, where Envoy's
   * connections failed since the last one, and until it accepts connections again.
   * @returns one sentence where the upstream is dead
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

/** Opens a connection and closes it. Resolves with an error code where that fails. */
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
