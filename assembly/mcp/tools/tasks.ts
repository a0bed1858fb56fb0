import { Clock } from "../../host/clock";
import { TaskKey, ToolKey } from "../../identity/keys";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../../memory/elapsed";
import { ATTEMPTS } from "../../store/primitives/store";
import { Tasks as StoredTasks } from "../../store/tasks";
import { Events } from "../events";
import { TASK_STATE_COUNT, TaskState, isTerminal } from "../protocol/task_state";
import { Participants } from "../sessions/participants";
import { Stream } from "../state/stream";

/** Follows tasks (2025-11-25, basic/utilities/tasks, and the extension of that name) from state to state, on whichever
 *  streams and workers they are reported. */
export class Tasks {
  constructor(
    private stored: StoredTasks,
    private participants: Participants,
    private events: Events,
    private clock: Clock,
  ) {}

  /** A task was accepted in place of the tool's result, whose request came at `startedAt` (nanoseconds). */
  accept(stream: Stream, task: TaskKey, state: TaskState, tool: ToolKey, startedAt: u64): void {
    const first = state == TaskState.None ? TaskState.Working : state;
    this.enter(stream, task, first, tool, startedAt / NANOSECONDS_PER_MILLISECOND);
  }

  /** The server reported the state of a task; 0 and None where it names none. */
  report(stream: Stream, task: TaskKey, state: TaskState): void {
    if (task && state != TaskState.None) this.enter(stream, task, state, 0, 0);
  }

  /** A task is in this state. `startedAtMs` is 0 where it is not its acceptance that says so. */
  private enter(stream: Stream, task: TaskKey, state: TaskState, tool: ToolKey, startedAtMs: u64): void {
    const stored = this.stored;
    const server = this.participants.serverOf(stream);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const isKnown = stored.load(server, task) && stored.state < <u32>TASK_STATE_COUNT;
      const stateBefore = <TaskState>stored.state;
      const isAcceptedNow = isKnown && startedAtMs != 0 && stored.startedAtMs == 0;
      if (isAcceptedNow) {
        // Its states were reported before its acceptance was: they hold, and now it has a beginning.
        state = stateBefore;
      } else if (isKnown) {
        if (stateBefore == state || isTerminal(stateBefore)) return;
        tool = stored.tool;
        startedAtMs = stored.startedAtMs;
      }
      stored.state = state;
      stored.tool = tool;
      stored.startedAtMs = startedAtMs;
      if (!stored.save()) continue;
      if (!isAcceptedNow) this.events.taskEntered(stream, tool, state);
      // One that was accepted elsewhere has no known age.
      if (isTerminal(state) && startedAtMs) {
        const nowMs = this.clock.milliseconds;
        this.events.taskEnded(stream, tool, state, elapsed(startedAtMs, nowMs));
      }
      return;
    }
  }
}
