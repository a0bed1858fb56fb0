/** What outcomes and kinds of tokens mean in sums (docs/metrics.md). */

const NO_ERROR = new Set(["ok", "input_required", "task_accepted"]);
/** The outcomes of calls that the client ended. */
export const CANCELLED: ReadonlySet<string> = new Set(["cancelled", "disconnected"]);
/** The outcomes and error types of calls that did not reach a server. */
export const STOPPED: ReadonlySet<string> = new Set(["denied", "limited"]);
/** The kind of tokens that models do not read, because another kind repeats them: docs/tokens.md. */
export const REPEATED_TOKENS = "structured";

/** Whether a call with this outcome reached a server and failed. */
export function isError(outcome: string): boolean {
  return !NO_ERROR.has(outcome) && !CANCELLED.has(outcome) && !STOPPED.has(outcome);
}
