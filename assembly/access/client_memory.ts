import { SessionKey } from "../identity/keys";
import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { mix } from "../memory/bytes";
import { Marks } from "../store/primitives/marks";
import { ClientConditions } from "./policy/client_conditions";

/** Flag in a kept mark: distinguishes "kept, no condition matched" from "nothing kept". */
const KEPT: u64 = 1 << 63;

/**
 * Remembers for each session how the client's name matched the policy's conditions when the session began, because
 * later requests do not contain the name.
 */
export class ClientMemory extends EventSink {
  /** The memory for the conditions of another policy that applies too; null for none. */
  private other: ClientMemory | null = null;

  constructor(
    private conditions: ClientConditions,
    private marks: Marks,
  ) {
    super();
  }

  /** The memory for a policy's conditions. From now on it is filled together with this one. */
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

  /** The kept matches of a session, with the highest bit set; 0 if nothing is kept. */
  recall(session: u64): u64 {
    return session && !this.conditions.isEmpty ? this.marks.get(session, mix(this.conditions.hash)) : 0;
  }
}
