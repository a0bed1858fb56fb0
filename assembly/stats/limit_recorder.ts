import { LimitDecision } from "../mcp/protocol/limit_decision";
import { Stream } from "../mcp/state/stream";
import { Table } from "../memory/table";
import { Family } from "./catalogue";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { QueueGauges } from "./queue_gauges";
import { Series } from "./series";

/**
 * Counts the decisions of the rules of `limits`. They have no labels but server and rule, because rules name the tools
 * and callers that they limit.
 */
export class LimitRecorder {
  /** Maps index of a rule + 1 to the shared number of the rule + 1. */
  private sharedRules: Table = new Table(16);

  constructor(
    private labels: Labels,
    private table: MetricTable,
    private series: Series,
    private queues: QueueGauges,
  ) {}

  /** Counts a decision of the rule of this index about a request. */
  decided(stream: Stream, rule: i32, decision: LimitDecision): void {
    this.choose(stream, rule);
    this.table.count(Family.LimitDecisions, decision, 0, 1);
    if (decision == LimitDecision.Queued) this.changeQueue(stream, rule, 1);
  }

  /** Records the wait of a request that was queued for the rule of this index and no longer is. */
  waited(stream: Stream, rule: i32, durationMs: u64): void {
    this.choose(stream, rule);
    this.table.record(Family.LimitWait, 0, 0, durationMs);
    this.changeQueue(stream, rule, -1);
  }

  /** Counts a request that the rule of this index counted in a shared allowance, because there are too many keys. */
  shared(stream: Stream, rule: i32): void {
    this.choose(stream, rule);
    this.table.count(Family.LimitKeyOverflow, 0, 0, 1);
  }

  private changeQueue(stream: Stream, rule: i32, change: i32): void {
    const key = <u64>rule + 1;
    if (!this.sharedRules.get(key)) this.sharedRules.set(key, <u64>this.labels.sharedRuleOf(rule) + 1);
    this.queues.change(this.series.serverOf(stream), <i32>this.sharedRules.get(key) - 1, change);
  }

  private choose(stream: Stream, rule: i32): void {
    this.table.chooseServer(this.series.serverOf(stream));
    this.table.chooseWho(rule);
  }
}
