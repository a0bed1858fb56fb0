import { SessionEntry } from "../../store/session_entry";
import { SessionListener } from "../../store/sessions";
import { SessionState } from "../../store/session_state";
import { Events } from "../events";
import { WaitingSessions } from "./waiting_sessions";

/** Reports changes of the sessions in the store as events. */
export class SessionEvents extends SessionListener {
  /** @param waiting the sessions that have operations waiting in the store. */
  constructor(
    private events: Events,
    private waiting: WaitingSessions,
  ) {
    super();
  }

  sessionEnded(entry: SessionEntry): void {
    this.events.sessionEnded(entry);
  }

  sessionSettled(entry: SessionEntry): void {
    this.events.sessionSettled(entry);
  }

  sessionCounted(entry: SessionEntry, state: SessionState): void {
    this.events.sessionCounted(entry, max(state, this.waiting.stateOf(entry.hash)));
  }
}
