import { ClientNames } from "../mcp/client_names";
import { mix } from "../memory/bytes";
import { Marks } from "../store/marks";
import { ClientConditions } from "./client_conditions";

/** Marks what is kept: there may be nothing that matches. */
const KEPT: u64 = 1 << 63;

/** Remembers, by session, how the policy's conditions on clients' names matched when the session began: later requests do
 *  not bear the name. */
export class ClientMemory extends ClientNames {
  constructor(
    private conditions: ClientConditions,
    private marks: Marks,
  ) {
    super();
  }

  remember(session: u64, name: usize, length: i32): void {
    if (length == 0 || this.conditions.isEmpty) return;
    this.marks.set(session, mix(this.conditions.hash), this.conditions.matches(name, length) | KEPT);
  }

  /** What is remembered of a session; 0 where nothing is. The highest bit stands for no condition. */
  recall(session: u64): u64 {
    return session && !this.conditions.isEmpty ? this.marks.get(session, mix(this.conditions.hash)) : 0;
  }
}
