import { ServerKey, ToolKey } from "../../identity/keys";
import { ConcurrencyLimit } from "./concurrency_limit";

/** Calls that have a limit of their own: of one tool, or of a server's tools that are called too seldom for that. */
export class ToolClass {
  readonly limit: ConcurrencyLimit;
  /** When a call of it last began or ended, in nanoseconds. */
  usedAt: u64 = 0;

  /** @param tool 0 for the tools of the server that have no class.
   *  @param key stands for the class in tables: never 0. */
  constructor(
    readonly server: ServerKey,
    readonly tool: ToolKey,
    readonly key: u64,
    isEnforced: bool,
  ) {
    this.limit = new ConcurrencyLimit(isEnforced);
  }
}
