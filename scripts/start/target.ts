/** The MCP server behind an Envoy. */
import { lookup } from "node:dns/promises";

export interface Target {
  /** The server's name in the output. */
  name: string;
  upstream: { host: string; port: number };
  /** The path of the MCP endpoint; "" for the root. */
  path: string;
}

/** The target for a URL. Resolves the host once, because Envoy's cluster accepts only addresses. Rejects if that fails. */
export async function targetOf(url: URL): Promise<Target> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const { address } = await lookup(host).catch(() => {
    throw new Error(`The host of --upstream cannot be resolved: ${host}`);
  });
  const port = url.port === "" ? 80 : Number(url.port);
  return { name: url.host, upstream: { host: address, port }, path: url.pathname === "/" ? "" : url.pathname };
}
