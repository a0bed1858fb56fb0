import type { Target } from "./target.ts";

/** The data of a target before it is loaded, because loading may have to compile modules. */
export interface TargetEntry {
  readonly name: string;
  /** The target's share of all inputs, relative to the other targets. */
  readonly share: number;
  /** Number of inputs in a batch: large enough to make its preparation negligible, small enough to take only a few
   *  seconds. */
  readonly batchSize: number;
  load(): Promise<Target>;
}

/** All targets. A new target is only a new entry here. */
export const TARGETS: readonly TargetEntry[] = [
  { name: "json", share: 35, batchSize: 20_000, load: async () => (await import("./targets/json.ts")).json },
  { name: "sse", share: 40, batchSize: 30_000, load: async () => (await import("./targets/sse.ts")).sse },
  {
    name: "jsonrpc",
    share: 15,
    batchSize: 10_000,
    load: async () => (await import("./targets/jsonrpc.ts")).jsonrpc,
  },
  {
    name: "filter",
    share: 10,
    batchSize: 3000,
    load: async () => (await import("./targets/filter.ts")).filter,
  },
  {
    name: "lists",
    share: 5,
    batchSize: 2000,
    load: async () => (await import("./targets/lists.ts")).lists,
  },
];

/** The target of this name. Throws if there is none. */
export function targetNamed(name: string): TargetEntry {
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  return target;
}
