import { Method, TargetKind } from "../mcp/protocol/methods";
import { MirroredHeader } from "../mcp/headers/mirrored_headers";
import { ObservedStream } from "../mcp/exchange/observed_stream";
import { Operation } from "../mcp/operations/operation";
import { TaskState } from "../mcp/protocol/task_state";
import { ToolChange, ToolObserver } from "../mcp/tools/tool_observer";
import { Family } from "./catalogue";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { Series } from "./series";

/** Turns what agents and servers make of tools into metrics. */
export class ToolRecorder extends ToolObserver {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private series: Series,
  ) {
    super();
  }

  toolOf(stream: ObservedStream, operation: Operation): i32 {
    const tools = this.labels.targets(this.series.serverOf(stream), TargetKind.Tool);
    return tools.admit(operation.name, operation.nameLength, false);
  }

  progress(stream: ObservedStream, operation: Operation | null): void {
    const server = this.series.serverOf(stream);
    if (operation && operation.method == Method.ToolsCall && operation.nameLength) {
      const tools = this.labels.targets(server, TargetKind.Tool);
      this.series.chooseTool(stream, tools.find(operation.name, operation.nameLength));
    } else {
      this.table.chooseServer(server);
    }
    this.table.count(Family.Progress, 0, 0, 1);
  }

  unknownTool(stream: ObservedStream): void {
    this.table.chooseServer(this.series.serverOf(stream));
    this.table.count(Family.UnknownToolCalls, 0, 0, 1);
  }

  toolChanged(stream: ObservedStream, tool: i32, change: ToolChange): void {
    this.series.chooseTool(stream, tool);
    this.table.count(Family.ToolDefinitionChanges, change, 0, 1);
  }

  taskEntered(stream: ObservedStream, tool: i32, state: TaskState): void {
    this.series.chooseTool(stream, tool);
    this.table.count(Family.Tasks, state, 0, 1);
  }

  taskEnded(stream: ObservedStream, tool: i32, state: TaskState, milliseconds: u64): void {
    this.series.chooseTool(stream, tool);
    this.table.record(Family.TaskDuration, state, 0, milliseconds);
  }

  headerMismatch(stream: ObservedStream, header: MirroredHeader): void {
    this.table.chooseServer(this.series.serverOf(stream));
    this.table.count(Family.HeaderMismatch, header, 0, 1);
  }
}
