import { LimitDecision } from "../mcp/protocol/limit_decision";
import { Stream } from "../mcp/state/stream";
import { Family } from "./catalogue";
import { MetricTable } from "./metric_table";
import { Series } from "./series";

/** Counts what the rules of `limits` decide: by server and rule alone, since rules name the tools and callers that they limit. */
export class LimitRecorder {
  constructor(
    private table: MetricTable,
    private series: Series,
  ) {}

  /** The rule of this index decided a request. */
  decided(stream: Stream, rule: i32, decision: LimitDecision): void {
    this.choose(stream, rule);
    this.table.count(Family.LimitDecisions, decision, 0, 1);
  }

  /** The rule of this index counted a request in an allowance that callers share, since there are too many keys. */
  shared(stream: Stream, rule: i32): void {
    this.choose(stream, rule);
    this.table.count(Family.LimitKeyOverflow, 0, 0, 1);
  }

  private choose(stream: Stream, rule: i32): void {
    this.table.chooseServer(this.series.serverOf(stream));
    this.table.chooseWho(rule);
  }
}
