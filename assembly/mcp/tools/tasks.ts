import { LABEL_INDEX_BITS } from "../../store/label_index";
import { Marks } from "../../store/primitives/marks";
import { ATTEMPTS } from "../../store/primitives/store";
import { ObservedStream } from "../exchange/observed_stream";
import { TASK_STATE_COUNT, TaskState, isTerminal } from "../protocol/task_state";
import { ToolObserver } from "./tool_observer";
import { elapsed } from "../../memory/elapsed";

/** A mark holds the state, above it the tool's label, above that when the task was accepted, in milliseconds. */
const STATE_BITS: u64 = 4;

if (TASK_STATE_COUNT > 1 << (<i32>STATE_BITS)) ERROR("STATE_BITS are too few.");

/** Follows tasks (2025-11-25, basic/utilities/tasks, and the extension of that name) from state to state, on whichever
 *  streams and workers they are told. */
export class Tasks {
  constructor(
    private marks: Marks,
    private observer: ToolObserver,
  ) {}

  /** A task was accepted in place of a tool's result. `task` is the keyed hash of its id, `tool` the label of the tool. */
  accept(stream: ObservedStream, task: u64, state: TaskState, tool: i32, startedAt: u64, now: u64): void {
    this.enter(stream, task, state == TaskState.None ? TaskState.Working : state, tool, startedAt, now);
  }

  /** The server told a task's state. Times in milliseconds. */
  tell(stream: ObservedStream, task: u64, state: TaskState, now: u64): void {
    if (task && state != TaskState.None) this.enter(stream, task, state, 0, 0, now);
  }

  private enter(stream: ObservedStream, task: u64, state: TaskState, tool: i32, startedAt: u64, now: u64): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = this.marks.get(stream.serverHash, task);
      const stateBefore = <TaskState>(before & ((1 << STATE_BITS) - 1));
      if (stateBefore >= TASK_STATE_COUNT) return;
      const isAcceptedNow = before != 0 && startedAt != 0 && before >> (STATE_BITS + LABEL_INDEX_BITS) == 0;
      // Its states were told before its acceptance was: they hold, and now it has a beginning.
      if (isAcceptedNow) state = stateBefore;
      else if (stateBefore == state || isTerminal(stateBefore)) return;
      if (before && !isAcceptedNow) {
        tool = <i32>((before >> STATE_BITS) & ((1 << LABEL_INDEX_BITS) - 1));
        startedAt = before >> (STATE_BITS + LABEL_INDEX_BITS);
      }
      const after = (startedAt << (STATE_BITS + LABEL_INDEX_BITS)) | ((<u64>tool) << STATE_BITS) | (<u64>state);
      if (!this.marks.replace(stream.serverHash, task, before, after)) continue;
      if (!isAcceptedNow) this.observer.taskEntered(stream, tool, state);
      // One that was accepted elsewhere has no known age.
      if (isTerminal(state) && startedAt) {
        this.observer.taskEnded(stream, tool, state, elapsed(startedAt, now));
      }
      return;
    }
  }
}
