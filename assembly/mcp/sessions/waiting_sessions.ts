import { SessionKey } from "../../identity/keys";
import { Table } from "../../memory/table";
import { SessionState } from "../../store/session_state";
import { Method } from "../protocol/methods";

/** The states of sessions with waiting operations, found by the current sweep, by session key. All instances share the
 *  table, since only one sweeps at a time. It has room for all operations that may wait in the store, 32 768, and then takes
 *  1 MiB. */
const states: Table = new Table(64);

/** The sessions that have operations waiting in the store for a response on another stream, as counted by the current sweep. */
export class WaitingSessions {
  /** Removes all sessions when a sweep starts. */
  clear(): void {
    states.clear();
  }

  /** The sweep counted an operation of the client, or one that the client must answer. */
  add(session: SessionKey, method: Method, fromClient: bool): void {
    // A ping of the server does not make the client's turn.
    if (!session || (!fromClient && method == Method.Ping)) return;
    const state = fromClient ? SessionState.Calling : SessionState.WaitingForClient;
    if (<u64>state > states.get(session)) states.set(session, state);
  }

  /** The state of a session according to its waiting operations. */
  stateOf(session: SessionKey): SessionState {
    return <SessionState>states.get(session);
  }
}
