/** An ingress that serves an MCP server below a prefix: it strips the prefix, and knows nothing of what it passes on. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A running ingress. */
export interface Ingress {
  /** `http://127.0.0.1:port`, without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it in front of `url`. Requests whose path does not begin with `prefix` get a 404. */
export async function startIngress(url: string, prefix: string): Promise<Ingress> {
  const server = createServer((req, res) => {
    const target = req.url ?? "/";
    if (!target.startsWith(`${prefix}/`)) return void res.writeHead(404).end();
    const { method, headers } = req;
    const passed = request(url + target.slice(prefix.length), { method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.on("error", () => res.destroy()).pipe(res);
    });
    passed.on("error", () => res.destroy());
    res.on("close", () => passed.destroy());
    req.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
