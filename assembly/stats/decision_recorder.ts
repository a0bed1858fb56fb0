import { SpecialRule } from "../access/policy/special_rule";
import { Method, TargetKind, targetKind } from "../mcp/protocol/methods";
import { WithheldReason } from "../mcp/protocol/withheld_reason";
import { Stream } from "../mcp/state/stream";
import { CallerLabels } from "./caller_labels";
import { Family } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { Series } from "./series";

/** Counts the decisions of the access policy, and the elements that it withholds. */
export class DecisionRecorder {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private series: Series,
    private callers: CallerLabels,
    /** The policy is in shadow mode. */
    private isShadow: bool,
  ) {}

  /** Counts a message that passed on a path that the policy does not cover. Parameters as in {@link decided}. */
  unchecked(stream: Stream, method: Method, name: usize, nameLength: i32): void {
    this.decided(stream, method, name, nameLength, SpecialRule.Unchecked, false, this.isShadow);
  }

  /** Counts the decision about a message with this method and target name. `rule` as in {@link Labels.rule};
   *  `isDenied` and `isShadow` as the labels `mcp_access_action` and `mcp_access_mode`. */
  decided(
    stream: Stream,
    method: Method,
    name: usize,
    nameLength: i32,
    rule: i32,
    isDenied: bool,
    isShadow: bool,
  ): void {
    const kind = targetKind(method);
    let target = OTHER_INDEX;
    if (kind != TargetKind.None) {
      target = this.labels.targets(this.series.serverOf(stream), kind).find(name, nameLength);
    }
    if (method == Method.None) this.table.chooseServer(this.series.serverOf(stream));
    else this.series.choose(stream, method, kind, target);
    this.table.chooseCaller(this.callers.ofDecision(stream));
    this.table.chooseWho(rule);
    this.table.count(Family.AccessDecisions, isDenied ? 1 : 0, isShadow ? 1 : 0, 1);
  }

  /** Counts elements of a list, requested with this method, or a response to such a request, that were withheld from
   *  the client. `isShadow`: they passed anyway. */
  withheld(stream: Stream, method: Method, reason: WithheldReason, isShadow: bool, count: u32): void {
    this.series.choose(stream, method, TargetKind.None, OTHER_INDEX);
    this.table.count(Family.ElementsWithheld, reason, isShadow ? 1 : 0, count);
  }
  /** Counts a listed tool whose definition is not the pinned one. */
  pinMismatched(stream: Stream, name: usize, nameLength: i32, reason: WithheldReason, isShadow: bool): void {
    const tools = this.labels.targets(this.series.serverOf(stream), TargetKind.Tool);
    this.series.chooseTool(stream, tools.admit(name, nameLength, true));
    this.table.count(Family.PinMismatches, reason, isShadow ? 1 : 0, 1);
  }
}
