import type { BodyEnd, HeaderList, ResetCause } from "../../host/index.ts";
import { readMessages } from "../../../test/unit/mcp/reader.ts";

/** An HTTP exchange, and how its bodies arrive. */
export interface FilterCase {
  /** Seconds that pass before the exchange, with a tick of the filter in each. */
  readonly seconds: number;
  readonly client: string;
  readonly cluster: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: HeaderList;
    readonly body: Buffer;
  };
  readonly response: { readonly status: number; readonly headers: HeaderList; readonly body: Buffer } | null;
  /** How the exchange is reset; null if the server ends it. */
  readonly reset: ResetCause | null;
  /** Number of exchanges that begin before the reset. */
  readonly staysOpen: number;
  /** For one of the two ways to process the exchange: the sizes of the chunks, and how the ends are signalled. */
  readonly sizes: readonly number[];
  readonly requestEnd: BodyEnd;
  readonly responseEnd: BodyEnd;
}

/** Whether the response may contain a server request. */
export function mayAskClient({ response }: FilterCase): boolean {
  return response !== null && response.body.includes("method") && response.body.includes("id");
}

/** Maximum number of requests of one batch that the filter follows. */
const OPEN_LIMIT = 64;

/** Number of operations that an exchange begins if its headers leave no doubt; otherwise undefined. */
export function begunBy({ request: { method, headers, body } }: FilterCase): number | undefined {
  if (method !== "POST") return 0;
  const types = headers.filter(([name]) => name === "content-type");
  const isCertain = types.length === 1 && types[0][1] === "application/json";
  if (!isCertain || headers.some(([name]) => name === "content-encoding")) return undefined;
  if (!headers.some(([name]) => name === "mcp-protocol-version" || name === "mcp-session-id")) return undefined;
  const requests = readMessages(false, [body]).filter((each) => "kind" in each && each.kind === "Request");
  return Math.min(requests.length, OPEN_LIMIT);
}
