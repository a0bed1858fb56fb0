import { NANOSECONDS_PER_MILLISECOND, hasCome } from "../../memory/elapsed";
import { Events } from "../events";
import { Outcome } from "../protocol/outcome";
import { Operation } from "../state/operation";
import { Cancellations } from "./cancellations";
import { outlivedStream } from "./outlived_stream";

/** How long a cancellation may arrive after the client has closed the stream. */
export const CROSSING_MS: u64 = 2000;
/** The maximum number of operations, about 300 KiB. */
const LIMIT: i32 = 512;

/**
 * Operations whose clients closed their streams before the response. `notifications/cancelled` may follow on another
 * connection, to another worker: then the operation ends as `cancelled`, otherwise as `disconnected`. Its duration ends when
 * the stream was closed.
 */
export class AbandonedOperations {
  /** The addresses of the oldest and the newest operation; 0 for none. They are linked in this order. */
  private first: usize = 0;
  private last: usize = 0;
  private count: i32 = 0;

  constructor(
    private cancellations: Cancellations,
    private events: Events,
  ) {}

  get isEmpty(): bool {
    return this.count == 0;
  }

  /** Adds an operation, whose session, server, caller and `endedAt` must be set. If there are too many, the oldest one ends
   *  early. */
  add(operation: Operation): void {
    if (this.count == LIMIT) this.endFirst();
    const at = changetype<usize>(operation);
    operation.isParked = true;
    operation.next = 0;
    if (this.last) changetype<Operation>(this.last).next = at;
    else this.first = at;
    this.last = at;
    this.count++;
  }

  /** Ends the operations whose cancellation is no longer expected. */
  tick(nowMs: u64): void {
    while (this.first) {
      const closedAtMs = changetype<Operation>(this.first).endedAt / NANOSECONDS_PER_MILLISECOND;
      if (!hasCome(closedAtMs + CROSSING_MS, nowMs)) return;
      this.endFirst();
    }
  }

  /** Ends all operations. */
  close(): void {
    while (this.first) this.endFirst();
  }

  private endFirst(): void {
    const operation = changetype<Operation>(this.first);
    this.first = operation.next;
    if (!this.first) this.last = 0;
    this.count--;
    if (this.cancellations.consume(operation, operation.session)) operation.outcome = Outcome.Cancelled;
    this.events.operationEnded(outlivedStream(operation), operation);
    operation.release();
  }
}
