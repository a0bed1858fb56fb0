/** A workload of the benchmarks as one exchange of the bare host. */
import type { Workload } from "../workloads.ts";
import type { BareExchange } from "./bare-host.ts";

const REQUEST_ID = "00000000-0000-4000-8000-000000000000";

/** The exchange, with another body for its request if one is given. */
export function exchangeOf({ body, headers, method, answer }: Workload, other = body): BareExchange {
  const head = { ":authority": "mcp.example", ":path": "/mcp", ":method": method, ":scheme": "http", ...headers };
  return {
    request: Object.entries({ ...head, "content-length": String(other.length), "x-request-id": REQUEST_ID }),
    body: Buffer.from(other),
    response: Object.entries({ ":status": "200", "content-type": answer.contentType, server: "node" }),
    parts: answer.parts.map((part) => Buffer.from(part)),
  };
}
