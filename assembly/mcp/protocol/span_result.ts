/** What became of a recorded span: the label `mcp_result`. */
export enum SpanResult {
  /** The collector accepted it. */
  Exported,
  /** The collector refused it: the whole batch, with a status that is not to be retried, or a part of it. */
  Rejected,
  /** There was no room: the oldest ones make room for new ones, and the filter gives up those that it cannot send. */
  Dropped,
  /** The collector did not accept it in time. */
  Expired,
}

export const SPAN_RESULT_COUNT: i32 = SpanResult.Expired + 1;

const NAMES: string[] = ["exported", "rejected", "dropped", "expired"];

export function spanResultName(result: SpanResult): string {
  return NAMES[result];
}
