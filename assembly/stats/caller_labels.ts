import { CallerLabel } from "../config/plugin_config";
import { SessionKey } from "../identity/keys";
import { Operation } from "../mcp/state/operation";
import { Stream } from "../mcp/state/stream";
import { Marks } from "../store/primitives/marks";
import { OverflowingLabel } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { NO_CALLER } from "./metric_key";
import { Series } from "./series";

/** Determines the value of the label `mcp_caller`: the caller's address, its principal or the name of its software. */
export class CallerLabels {
  /** @param clients label of the client plus one, by session, because later requests do not contain the name */
  constructor(
    private labels: Labels,
    private series: Series,
    private clients: Marks,
  ) {}

  addressResolved(stream: Stream, address: usize, addressLength: i32): void {
    if (this.labels.caller == CallerLabel.Address) this.admit(stream, address, addressLength);
  }

  principalResolved(stream: Stream, principal: usize, principalLength: i32): void {
    this.admit(stream, principal, principalLength);
  }

  /** Remembers the name of the client software of a session. */
  clientNamed(session: SessionKey, name: usize, nameLength: i32): void {
    if (this.labels.caller != CallerLabel.Client || nameLength == 0) return;
    this.clients.set(0, session, this.labels.callers.admit(name, nameLength, true) + 1);
  }

  /** Sets the caller of the decisions that follow, about a message of this client. */
  clientCalls(stream: Stream, session: SessionKey, name: usize, nameLength: i32): void {
    stream.callerLabel = this.clientOf(session, name, nameLength) + 1;
  }

  /** The caller label of a decision; NO_CALLER to omit it. */
  ofDecision(stream: Stream): i32 {
    return stream.callerLabel && this.labels.caller != CallerLabel.None ? stream.callerLabel - 1 : NO_CALLER;
  }

  /** The caller label of an ended operation; NO_CALLER to omit it. */
  ofOperation(stream: Stream, operation: Operation): i32 {
    const key = operation.isParked ? operation.caller : stream.namedCaller;
    switch (this.labels.caller) {
      case CallerLabel.Address:
      case CallerLabel.Principal:
        return key ? this.labels.callers.findKey(key) : NO_CALLER;
      case CallerLabel.Client: {
        const client = this.clientOf(operation.session, operation.clientName, operation.clientNameLength);
        if (client == OTHER_INDEX) this.series.countOverflow(stream, OverflowingLabel.Caller);
        // A denied operation belongs to no session.
        return client == NO_CALLER ? this.ofDecision(stream) : client;
      }
      default:
        return NO_CALLER;
    }
  }

  private clientOf(session: SessionKey, name: usize, nameLength: i32): i32 {
    if (nameLength) return this.labels.callers.admit(name, nameLength, true);
    const known = session ? this.clients.get(0, session) : 0;
    return known ? <i32>known - 1 : NO_CALLER;
  }

  private admit(stream: Stream, name: usize, nameLength: i32): void {
    const label = this.labels.callers.admit(name, nameLength, true);
    stream.callerLabel = label + 1;
    if (label == OTHER_INDEX) this.series.countOverflow(stream, OverflowingLabel.Caller);
  }
}
