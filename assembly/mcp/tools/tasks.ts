import { Clock } from "../../host/clock";
import { TaskKey, ToolKey } from "../../identity/keys";
import { keyedHash } from "../../memory/keyed_hash";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../../memory/elapsed";
import { ATTEMPTS } from "../../store/primitives/store";
import { Tasks as StoredTasks } from "../../store/tasks";
import { Events } from "../events";
import { TASK_STATE_COUNT, TaskState, isTerminal } from "../protocol/task_state";
import { Participants } from "../sessions/participants";
import { Operation } from "../state/operation";
import { Stream } from "../state/stream";

/** Tracks the states of tasks (2025-11-25, basic/utilities/tasks, and the extension of that name) across all streams and
 *  workers that report them. */
export class Tasks {
  constructor(
    private stored: StoredTasks,
    private participants: Participants,
    private events: Events,
    private clock: Clock,
  ) {}

  /** A task was accepted instead of a call's result. */
  accept(stream: Stream, task: TaskKey, state: TaskState, call: Operation): void {
    const first = state == TaskState.None ? TaskState.Working : state;
    this.enter(stream, task, first, call);
  }

  /** Finds the tool of a task on the stream's server. Returns the length of the name at {@link toolName} in bytes; 0 if it
   *  is unknown. */
  findTool(stream: Stream, task: TaskKey): i32 {
    const stored = this.stored;
    stored.load(this.participants.serverOf(stream), task);
    return stored.nameLength;
  }

  /** The address of the name that {@link findTool} found. Valid until the store loads another value. */
  get toolName(): usize {
    return this.stored.name;
  }

  /** The server reported the state of a task. Ignored if `task` is 0 or `state` is None. */
  report(stream: Stream, task: TaskKey, state: TaskState): void {
    if (task && state != TaskState.None) this.enter(stream, task, state, null);
  }

  /** Updates the state of a task. `call` is the call whose result the task replaces; null if the state comes from another
   *  message. */
  private enter(stream: Stream, task: TaskKey, state: TaskState, call: Operation | null): void {
    const stored = this.stored;
    let tool: ToolKey = call ? keyedHash(call.name, call.nameLength) : 0;
    let startedAtMs = call ? call.startedAt / NANOSECONDS_PER_MILLISECOND : 0;
    const server = this.participants.serverOf(stream);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const isKnown = stored.load(server, task) && stored.state < <u32>TASK_STATE_COUNT;
      const stateBefore = <TaskState>stored.state;
      const isAcceptedNow = isKnown && startedAtMs != 0 && stored.startedAtMs == 0;
      if (isAcceptedNow) {
        // States were reported before the acceptance. They remain valid, and the task gets its start time.
        state = stateBefore;
      } else if (isKnown) {
        if (stateBefore == state || isTerminal(stateBefore)) return;
        tool = stored.tool;
        startedAtMs = stored.startedAtMs;
      }
      if (!isKnown || isAcceptedNow) {
        stored.name = call ? call.name : 0;
        stored.nameLength = call ? call.nameLength : 0;
      }
      stored.state = state;
      stored.tool = tool;
      stored.startedAtMs = startedAtMs;
      if (!stored.save()) continue;
      if (!isAcceptedNow) this.events.taskEntered(stream, tool, state);
      // The age of a task that was accepted elsewhere is unknown.
      if (isTerminal(state) && startedAtMs) {
        const nowMs = this.clock.milliseconds;
        this.events.taskEnded(stream, tool, state, elapsed(startedAtMs, nowMs));
      }
      return;
    }
  }
}
