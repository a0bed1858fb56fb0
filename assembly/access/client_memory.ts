import { SessionKey } from "../identity/keys";
import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { mix } from "../memory/bytes";
import { Marks } from "../store/primitives/marks";
import { ClientConditions } from "./policy/client_conditions";

/** Marks what is kept: there may be nothing that matches. */
const KEPT: u64 = 1 << 63;

/** Remembers, by session, how the policy's conditions on clients' names matched when the session began: later requests do
 *  not carry the name. */
export class ClientMemory extends EventSink {
  /** The same for the conditions of another policy, which applies too. */
  private other: ClientMemory | null = null;

  constructor(
    private conditions: ClientConditions,
    private marks: Marks,
  ) {
    super();
  }

  /** The memory for a policy's conditions, which is filled along with this one from now on. */
  of(conditions: ClientConditions): ClientMemory {
    if (conditions == this.conditions) return this;
    let other = this.other;
    if (other && other.conditions == conditions) return other;
    other = new ClientMemory(conditions, this.marks);
    this.other = other;
    return other;
  }

  receive(event: Event): void {
    if (event.kind == EventKind.ClientNamed) this.remember(event.session, event.name, event.nameLength);
  }

  private remember(session: SessionKey, name: usize, length: i32): void {
    const other = this.other;
    if (other) other.remember(session, name, length);
    if (length == 0 || this.conditions.isEmpty) return;
    this.marks.set(session, mix(this.conditions.hash), this.conditions.matches(name, length) | KEPT);
  }

  /** What is remembered of a session; 0 where nothing is. The highest bit stands for no condition. */
  recall(session: u64): u64 {
    return session && !this.conditions.isEmpty ? this.marks.get(session, mix(this.conditions.hash)) : 0;
  }
}
