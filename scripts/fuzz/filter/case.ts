import type { BodyEnd, HeaderList, ResetCause } from "../../../test/host/index.ts";
import { readMessages } from "../../../test/unit/mcp/reader.ts";

/** An HTTP exchange, and how its bodies come. */
export interface FilterCase {
  /** Seconds that pass before it, with a tick of the filter in each. */
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
  /** How it ends; null: by the server. */
  readonly reset: ResetCause | null;
  /** Exchanges that begin before its reset. */
  readonly staysOpen: number;
  /** Of one of the two ways in which it passes: the chunks, and how the ends are told. */
  readonly sizes: readonly number[];
  readonly requestEnd: BodyEnd;
  readonly responseEnd: BodyEnd;
}

/** Whether the response may hold a request of the server. */
export function mayAskClient({ response }: FilterCase): boolean {
  return response !== null && response.body.includes("method") && response.body.includes("id");
}

/** Requests of one batch that the filter follows. */
const OPEN_LIMIT = 64;

/** The operations that an exchange begins, which is certain where its headers leave no doubt; else undefined. */
export function begunBy({ request: { method, headers, body } }: FilterCase): number | undefined {
  if (method !== "POST") return 0;
  const types = headers.filter(([name]) => name === "content-type");
  const isCertain = types.length === 1 && types[0][1] === "application/json";
  if (!isCertain || headers.some(([name]) => name === "content-encoding")) return undefined;
  if (!headers.some(([name]) => name === "mcp-protocol-version" || name === "mcp-session-id")) return undefined;
  const requests = readMessages(false, [body]).filter((each) => "kind" in each && each.kind === "Request");
  return Math.min(requests.length, OPEN_LIMIT);
}
