import { Method, TargetKind } from "../mcp/protocol/methods";
import { ObservedStream } from "../mcp/exchange/observed_stream";
import { mix } from "../memory/bytes";
import { Family, OverflowingLabel } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";

/** Chooses the series that is recorded next for what a stream brought, and keeps within the budget. */
export class Series {
  constructor(
    private labels: Labels,
    private table: MetricTable,
  ) {}

  /** Chooses the series of a method and target: what has no room goes to `_OTHER`. Returns the target as it is labelled. */
  choose(stream: ObservedStream, method: Method, kind: TargetKind, target: i32): i32 {
    if (method == Method.Other) this.countOverflow(stream, OverflowingLabel.Method);
    const server = this.serverOf(stream);
    const labels = this.labels;
    if (!labels.admitSeries(server, method, kind, target)) {
      this.countOverflow(stream, OverflowingLabel.Series);
      target = OTHER_INDEX;
      if (!labels.admitSeries(server, method, kind, target)) {
        this.table.choose(OTHER_INDEX, Method.Other, TargetKind.None, OTHER_INDEX);
        return target;
      }
    }
    this.table.choose(server, method, kind, target);
    return target;
  }

  /** Chooses the series of a tool, whatever is done with it. */
  chooseTool(stream: ObservedStream, tool: i32): void {
    this.choose(stream, Method.ToolsCall, TargetKind.Tool, tool);
    this.table.forgetMethod();
  }

  /** Counts a name that got no label value of its own. */
  countOverflow(stream: ObservedStream, label: OverflowingLabel): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.LabelOverflow, label, 0, 1);
  }

  /** The index of the stream's server. */
  serverOf(stream: ObservedStream): i32 {
    this.resolveServer(stream);
    return stream.server - 1;
  }

  /** Resolves the server that the stream goes to. */
  resolveServer(stream: ObservedStream): void {
    if (stream.server != 0) return;
    const server = this.labels.server();
    stream.server = server + 1;
    stream.serverHash = mix(server);
    if (server == OTHER_INDEX) this.countOverflow(stream, OverflowingLabel.Server);
  }
}
