import { ToolKey } from "../identity/keys";
import { Method, TargetKind } from "../mcp/protocol/methods";
import { Stream } from "../mcp/state/stream";
import { Family, OverflowingLabel } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";

/** Chooses the next series to record for a stream, within the budget. */
export class Series {
  constructor(
    private labels: Labels,
    private table: MetricTable,
  ) {}

  /** Chooses the series of a method and target for `count` events, or `_OTHER` if the budget is exhausted. Returns
   *  the index of the target's label. */
  choose(stream: Stream, method: Method, kind: TargetKind, target: i32, count: u32 = 1): i32 {
    if (method == Method.Other) this.countOverflow(stream, OverflowingLabel.Method, count);
    const server = this.serverOf(stream);
    const labels = this.labels;
    if (!labels.admitSeries(server, method, kind, target)) {
      this.countOverflow(stream, OverflowingLabel.Series, count);
      target = OTHER_INDEX;
      if (!labels.admitSeries(server, method, kind, target)) {
        this.table.choose(OTHER_INDEX, Method.Other, TargetKind.None, OTHER_INDEX);
        return target;
      }
    }
    this.table.choose(server, method, kind, target);
    return target;
  }

  /** Chooses the series of a tool, by the index of its label, for `count` events and any method. */
  chooseTool(stream: Stream, tool: i32, count: u32 = 1): void {
    this.choose(stream, Method.ToolsCall, TargetKind.Tool, tool, count);
    this.table.forgetMethod();
  }

  /** The index of the label of a tool of the stream's server. */
  toolOf(stream: Stream, tool: ToolKey): i32 {
    return this.labels.targets(this.serverOf(stream), TargetKind.Tool).findKey(tool);
  }

  /** Counts a name without a label value of its own, `count` times. */
  countOverflow(stream: Stream, label: OverflowingLabel, count: u32 = 1): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.LabelOverflow, label, 0, count);
  }

  /** Admits the name of the stream's server to the labels. */
  admitServer(stream: Stream, name: usize, nameLength: i32): void {
    const label = this.labels.servers.admit(name, nameLength, true);
    stream.serverLabel = label + 1;
    if (label == OTHER_INDEX) this.countOverflow(stream, OverflowingLabel.Server);
  }

  /** The index of the label of the stream's server. It stays the same until the stream ends, so that gauges go down
   *  where they went up. */
  serverOf(stream: Stream): i32 {
    if (!stream.serverLabel) stream.serverLabel = this.labels.servers.findKey(stream.server) + 1;
    return stream.serverLabel - 1;
  }
}
