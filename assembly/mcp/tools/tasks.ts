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

/** Follows tasks (2025-11-25, basic/utilities/tasks, and the extension of that name) from state to state, on whichever
 *  streams and workers they are reported. */
export class Tasks {
  constructor(
    private stored: StoredTasks,
    private participants: Participants,
    private events: Events,
    private clock: Clock,
  ) {}

  /** A task was accepted in place of a call's result. */
  accept(stream: Stream, task: TaskKey, state: TaskState, call: Operation): void {
    const first = state == TaskState.None ? TaskState.Working : state;
    this.enter(stream, task, first, call);
  }

  /** Finds the tool that a task is of, on the stream's server. Returns how many bytes of its name are at {@link toolName}; 0 where
   *  it is not known. */
  findTool(stream: Stream, task: TaskKey): i32 {
    const stored = this.stored;
    stored.load(this.participants.serverOf(stream), task);
    return stored.nameLength;
  }

  /** What {@link findTool} has found: valid until something else is read from the store. */
  get toolName(): usize {
    return this.stored.name;
  }

  /** The server reported the state of a task; 0 and None where it names none. */
  report(stream: Stream, task: TaskKey, state: TaskState): void {
    if (task && state != TaskState.None) this.enter(stream, task, state, null);
  }

  /** A task is in this state. `call`: the call in place of whose result it was accepted; null where something else says so. */
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
        // Its states were reported before its acceptance was: they hold, and now it has a beginning.
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
      // One that was accepted elsewhere has no known age.
      if (isTerminal(state) && startedAtMs) {
        const nowMs = this.clock.milliseconds;
        this.events.taskEnded(stream, tool, state, elapsed(startedAtMs, nowMs));
      }
      return;
    }
  }
}
