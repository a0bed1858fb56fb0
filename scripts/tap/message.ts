/** The messages that `tap` prints. */
import { recordOf } from "../access-log/record.ts";

/** The fields with names, which can be excluded. */
export const FIELDS = ["server", "caller", "method", "tool", "outcome", "rule", "limit", "session"] as const;
export type Field = (typeof FIELDS)[number];

/** What the log says of one message. Absent fields are undefined. It never contains arguments or results. */
export type Message = Partial<Record<Field, string>> & {
  /** When the request began, or the operation ended, as the log writes it. */
  time?: string;
  durationMs?: number;
  /** Milliseconds in the queues of limits. */
  waitMs?: number;
  tokens?: number;
  bytesIn?: number;
  bytesOut?: number;
};

/** The message in a line; "other" if its JSON is not about MCP; undefined if it has no JSON object. */
export function messageOf(line: string): Message | "other" | undefined {
  const record = recordOf(line);
  if (record === undefined || record === "other") return record;
  const { time, method, outcome, rule, limit, session, waitMs, tokens, bytesIn, bytesOut } = record;
  return {
    ...{ time, server: record.cluster, caller: record.principal ?? session, method, tool: record.target, outcome },
    ...{ rule, limit, session, durationMs: record.durationMs ?? record.streamMs, waitMs, tokens, bytesIn, bytesOut },
  };
}
