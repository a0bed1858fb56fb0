import { equalsText } from "../../memory/bytes";

/** The state of a task (2025-11-25, basic/utilities/tasks, "Task Status"): the label `mcp_task_state`. */
export enum TaskState {
  None,
  Working,
  InputRequired,
  Completed,
  Failed,
  Cancelled,
}

export const TASK_STATE_COUNT: i32 = TaskState.Cancelled + 1;

const NAMES: string[] = ["", "working", "input_required", "completed", "failed", "cancelled"];

/** The state with this name; None if there is none. */
export function taskStateOf(at: usize, length: u32): TaskState {
  for (let i: i32 = TaskState.Working; i < NAMES.length; i++) {
    if (equalsText(at, length, unchecked(NAMES[i]))) return i;
  }
  return TaskState.None;
}

/** The value of the label `mcp_task_state`. */
export function taskStateName(state: TaskState): string {
  return NAMES[state];
}

/** Whether the state is final. */
export function isTerminal(state: TaskState): bool {
  return state >= TaskState.Completed;
}
