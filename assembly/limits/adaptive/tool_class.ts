import { ServerKey, ToolKey } from "../../identity/keys";
import { ConcurrencyLimit } from "./concurrency_limit";

/** Calls that share a limit: those of one tool, or those of all rarely called tools of a server. */
export class ToolClass {
  readonly limit: ConcurrencyLimit;
  /** When one of its calls last began or ended, in nanoseconds. */
  usedAt: u64 = 0;

  /**
   * @param tool 0 for the rarely called tools of the server
   * @param key identifies the class in tables; never 0
   */
  constructor(
    readonly server: ServerKey,
    readonly tool: ToolKey,
    readonly key: u64,
    isEnforced: bool,
  ) {
    this.limit = new ConcurrencyLimit(isEnforced);
  }
}
