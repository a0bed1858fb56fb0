/** What happens in a session: the label `mcp_session_state`. If several states apply, the highest one counts. */
export enum SessionState {
  Idle,
  /** An operation of the client is open with the server. */
  Calling,
  /** The server has asked the client for input and has no answer yet. */
  WaitingForClient,
  /** A request of the client waits for `limits`. */
  WaitingForLimit,
}

export const SESSION_STATE_COUNT: i32 = SessionState.WaitingForLimit + 1;

const NAMES: string[] = ["idle", "calling", "waiting_for_client", "waiting_for_limit"];

export function sessionStateName(state: SessionState): string {
  return NAMES[state];
}
