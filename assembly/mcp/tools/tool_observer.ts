import { MirroredHeader } from "../headers/mirrored_headers";
import { ObservedStream } from "../exchange/observed_stream";
import { Operation } from "../operations/operation";
import { TaskState } from "../protocol/task_state";

/** What became of a tool between two lists: the label `mcp_change`. */
export enum ToolChange {
  Added,
  Changed,
  Removed,
}

const CHANGES: string[] = ["added", "changed", "removed"];

export function toolChangeName(change: ToolChange): string {
  return CHANGES[change];
}

/** Is told what agents and servers make of tools. Tools are named by the indices of their labels. */
export abstract class ToolObserver {
  /** The label of the tool that the operation calls. */
  abstract toolOf(stream: ObservedStream, operation: Operation): i32;
  /** The server reported progress: of this operation, or null where that is not known. */
  abstract progress(stream: ObservedStream, operation: Operation | null): void;
  /** A call failed whose tool is not in the server's list. */
  abstract unknownTool(stream: ObservedStream): void;
  /** The server's list of tools is not what this caller saw last. */
  abstract toolChanged(stream: ObservedStream, tool: i32, change: ToolChange): void;
  /** A task came to be in this state. */
  abstract taskEntered(stream: ObservedStream, tool: i32, state: TaskState): void;
  /** It is the last one, and came so many milliseconds after the task's request. */
  abstract taskEnded(stream: ObservedStream, tool: i32, state: TaskState, milliseconds: u64): void;
  /** A header says something else than the body, or is missing. */
  abstract headerMismatch(stream: ObservedStream, header: MirroredHeader): void;
}
