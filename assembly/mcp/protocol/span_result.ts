/** What happened to a recorded span: the label `mcp_result`. */
export enum SpanResult {
  /** The collector accepted the span. */
  Exported,
  /** The collector rejected the span, or the whole batch, with a status that must not be retried. */
  Rejected,
  /** There was no room. The oldest spans are evicted for new ones, and the filter drops those that it cannot send. */
  Dropped,
  /** The collector did not accept the span in time. */
  Expired,
}

export const SPAN_RESULT_COUNT: i32 = SpanResult.Expired + 1;

const NAMES: string[] = ["exported", "rejected", "dropped", "expired"];

export function spanResultName(result: SpanResult): string {
  return NAMES[result];
}
