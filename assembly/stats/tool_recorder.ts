import { ToolKey } from "../identity/keys";
import { Method, TargetKind } from "../mcp/protocol/methods";
import { MirroredHeader } from "../mcp/headers/mirrored_headers";
import { Stream } from "../mcp/state/stream";
import { Operation } from "../mcp/state/operation";
import { TaskState } from "../mcp/protocol/task_state";
import { ToolChange } from "../mcp/protocol/tool_change";
import { Family } from "./catalogue";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { Series } from "./series";

/** Records metrics of tools: progress, unknown tools, changed definitions, tasks and mismatched headers. */
export class ToolRecorder {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private series: Series,
  ) {}

  nameSeen(stream: Stream, kind: TargetKind, name: usize, nameLength: u32, isListed: bool): void {
    this.labels.targets(this.series.serverOf(stream), kind).admit(name, nameLength, isListed);
  }

  progress(stream: Stream, operation: Operation | null, count: u32): void {
    const server = this.series.serverOf(stream);
    if (operation && operation.method == Method.ToolsCall && operation.nameLength) {
      const tools = this.labels.targets(server, TargetKind.Tool);
      this.series.chooseTool(stream, tools.find(operation.name, operation.nameLength), count);
    } else {
      this.table.chooseServer(server);
    }
    this.table.count(Family.Progress, 0, 0, count);
  }

  unknownTool(stream: Stream): void {
    this.table.chooseServer(this.series.serverOf(stream));
    this.table.count(Family.UnknownToolCalls, 0, 0, 1);
  }

  toolChanged(stream: Stream, tool: ToolKey, change: ToolChange): void {
    this.series.chooseTool(stream, this.series.toolOf(stream, tool));
    this.table.count(Family.ToolDefinitionChanges, change, 0, 1);
  }

  taskEntered(stream: Stream, tool: ToolKey, state: TaskState): void {
    this.series.chooseTool(stream, this.series.toolOf(stream, tool));
    this.table.count(Family.Tasks, state, 0, 1);
  }

  taskEnded(stream: Stream, tool: ToolKey, state: TaskState, durationMs: u64): void {
    this.series.chooseTool(stream, this.series.toolOf(stream, tool));
    this.table.record(Family.TaskDuration, state, 0, durationMs);
  }

  headerMismatch(stream: Stream, header: MirroredHeader): void {
    this.table.chooseServer(this.series.serverOf(stream));
    this.table.count(Family.HeaderMismatch, header, 0, 1);
  }
}
