import { SessionKey } from "../../identity/keys";
import { Table } from "../../memory/table";
import { SessionState } from "../../store/session_state";
import { Method } from "../protocol/methods";

/** The states of the sessions in which the current sweep has found something, by their keys. All instances share it: one
 *  sweeps at a time. It has room for all that may wait in the store, 32 768, which takes 1 MiB. */
const states: Table = new Table(64);

/** The sessions in which something waits in the store for an answer on another stream, while a sweep counts that. */
export class WaitingSessions {
  /** A sweep begins. */
  clear(): void {
    states.clear();
  }

  /** The sweep counted an operation: of the client, or one that the client has to answer. */
  add(session: SessionKey, method: Method, fromClient: bool): void {
    // Nobody waits for a server's ping.
    if (!session || (!fromClient && method == Method.Ping)) return;
    const state = fromClient ? SessionState.Calling : SessionState.WaitingForClient;
    if (<u64>state > states.get(session)) states.set(session, state);
  }

  /** The state of a session by what waits in it. */
  stateOf(session: SessionKey): SessionState {
    return <SessionState>states.get(session);
  }
}
