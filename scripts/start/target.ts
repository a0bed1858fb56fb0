/** What an Envoy is put in front of. */
import { lookup } from "node:dns/promises";

export interface Target {
  /** What the user sees. */
  name: string;
  upstream: { host: string; port: number };
  /** The MCP endpoint's path, or "". */
  path: string;
}

/** The target that a URL names. The host is resolved once, as Envoy's cluster takes addresses only. */
export async function targetOf(url: URL): Promise<Target> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const { address } = await lookup(host).catch(() => {
    throw new Error(`The host of --upstream cannot be resolved: ${host}`);
  });
  const port = url.port === "" ? 80 : Number(url.port);
  return { name: url.host, upstream: { host: address, port }, path: url.pathname === "/" ? "" : url.pathname };
}
