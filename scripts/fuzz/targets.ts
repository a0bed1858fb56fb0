import type { Target } from "./target.ts";

/** A target as far as it is known before it is loaded, and with it modules that may have to be compiled first. */
export interface TargetEntry {
  readonly name: string;
  /** Its part of all inputs. */
  readonly share: number;
  /** Inputs of a batch: so many that its preparation is no matter, and that it takes a few seconds. */
  readonly batchSize: number;
  load(): Promise<Target>;
}

/** All targets. A new one is an entry here, nothing else. */
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

/** The target of this name. Throws where there is none. */
export function targetNamed(name: string): TargetEntry {
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  return target;
}
