import { SessionEntry } from "../../store/session_entry";
import { SessionListener } from "../../store/sessions";
import { Events } from "../events";

/** Reports what becomes of the sessions in the store. */
export class SessionEvents extends SessionListener {
  constructor(private events: Events) {
    super();
  }

  sessionEnded(entry: SessionEntry): void {
    this.events.sessionEnded(entry);
  }

  sessionSettled(entry: SessionEntry): void {
    this.events.sessionSettled(entry);
  }

  sessionCounted(entry: SessionEntry): void {
    this.events.sessionCounted(entry);
  }
}
