import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { SharedQueue } from "../host/shared_queue";
import { Slots } from "../store/primitives/slots";
import { Store } from "../store/primitives/store";

/** Before the number of a queue in its name. */
const QUEUE_PREFIX = "mcp/turns/";

/**
 * Gets a plugin instance called again in a new turn of its worker's event loop, some 0.1 ms later, so that work that one
 * callback must not do at once continues before the next tick. The means is a shared queue of the instance's own. Each
 * instance on each worker claims one of 256 queue names, since Envoy frees no name and wakes only the instance that
 * registered a name last. Should a wake-up get lost, the next tick asks for another one.
 */
export class NextTurn {
  /** Whose numbers are the numbers of the queues; null until the first turn is asked for. */
  private slots: Slots | null = null;
  /** A turn was asked for and has not come. */
  private isAwaited: bool = false;
  /** A turn came since the last tick that had work left. */
  private hasCome: bool = false;

  /** @param queue a queue that is not registered. */
  constructor(
    private queue: SharedQueue,
    private data: SharedData,
    private random: Random,
  ) {}

  /** A tick leaves work: asks for a turn, unless the turns of an earlier tick still follow each other. `now` in
   *  milliseconds. */
  askOnTick(now: u64): void {
    const isAlive = this.isAwaited && this.hasCome;
    this.hasCome = false;
    let slots = this.slots;
    if (!slots) {
      slots = new Slots(new Store(this.data, this.random.next() | 1, "turns"));
      this.slots = slots;
    }
    if (!slots.begin(now)) return;
    slots.end();
    if (!slots.isOwned || !this.queue.register(QUEUE_PREFIX + slots.number.toString())) return;
    if (isAlive) return;
    this.queue.drain();
    this.isAwaited = this.queue.wake();
  }

  /** A turn has come. False where none was ever asked for. */
  begin(): bool {
    if (!this.slots) return false;
    this.queue.drain();
    this.isAwaited = false;
    this.hasCome = true;
    return true;
  }

  /** The turn leaves work: asks for another one. */
  askAgain(): void {
    this.isAwaited = this.queue.wake();
  }
}
