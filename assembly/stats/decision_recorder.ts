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

/** Counts what the access policy decides, and what it withholds. */
export class DecisionRecorder {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private series: Series,
    private callers: CallerLabels,
    /** The policy is in shadow mode. */
    private isShadow: bool,
  ) {}

  /** A message passed on a path that the policy does not govern; the rest as in {@link decided}. */
  unchecked(stream: Stream, method: Method, name: usize, nameLength: i32): void {
    this.decided(stream, method, name, nameLength, SpecialRule.Unchecked, false, this.isShadow);
  }

  /** The message of this method about the target of this name was decided. `rule` as in {@link Labels.rule}; `isDenied` and
   *  `isShadow` as the labels `mcp_access_action` and `mcp_access_mode` say. */
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

  /** Elements of a list that this method asks for, or an answer to such a request, were withheld from the client. `isShadow`: they
   *  passed all the same. */
  withheld(stream: Stream, method: Method, reason: WithheldReason, isShadow: bool, count: u32): void {
    this.series.choose(stream, method, TargetKind.None, OTHER_INDEX);
    this.table.count(Family.ElementsWithheld, reason, isShadow ? 1 : 0, count);
  }
  /** The server listed a tool whose definition is not the pinned one. */
  pinMismatched(stream: Stream, name: usize, nameLength: i32, reason: WithheldReason, isShadow: bool): void {
    const tools = this.labels.targets(this.series.serverOf(stream), TargetKind.Tool);
    this.series.chooseTool(stream, tools.admit(name, nameLength, true));
    this.table.count(Family.PinMismatches, reason, isShadow ? 1 : 0, 1);
  }
}
