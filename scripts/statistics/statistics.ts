/** Everything that the filter's metrics say, from one reading. */
import { type Denial, readDenials } from "./denials.ts";
import { readSamples } from "./exposition.ts";
import { readInvalid } from "./invalid.ts";
import { type LimitedCaller, type LimitTotals, readLimitedCallers, readLimits } from "./limits.ts";
import { type QueueTotals, readQueues } from "./queues.ts";
import { readRows, type Row } from "./rows.ts";
import { readServers, type ServerTotals } from "./servers.ts";

export interface Statistics {
  rows: Row[];
  servers: Map<string, ServerTotals>;
  denials: Denial[];
  limits: LimitTotals[];
  callers: LimitedCaller[];
  queues: QueueTotals[];
  /** The number of plugins with an invalid configuration. */
  invalid: number;
}

/** The statistics of all expositions together. */
export function readStatistics(expositions: readonly string[]): Statistics {
  const samples = expositions.flatMap((text) => readSamples(text, "mcp_"));
  return {
    rows: readRows(samples),
    servers: readServers(samples),
    denials: readDenials(samples),
    limits: readLimits(samples),
    callers: readLimitedCallers(samples),
    queues: readQueues(samples),
    invalid: readInvalid(samples),
  };
}
