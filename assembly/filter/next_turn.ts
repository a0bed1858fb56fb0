import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { SharedQueue } from "../host/shared_queue";
import { HostSharedQueue } from "../proxy-wasm/queues";
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
  /** Whose numbers are the numbers of the queues. */
  private slots: Slots;
  private queue: SharedQueue = new HostSharedQueue();
  /** A turn was asked for and has not come. */
  private isAwaited: bool = false;
  /** A turn came since the last tick that had work left. */
  private hasCome: bool = false;

  constructor(data: SharedData, random: Random) {
    this.slots = new Slots(new Store(data, random.next() | 1, "turns"));
  }

  /** A tick leaves work: asks for a turn, unless the turns of an earlier tick still follow each other. `now` in
   *  milliseconds. */
  askOnTick(now: u64): void {
    const isAlive = this.isAwaited && this.hasCome;
    this.hasCome = false;
    if (!this.slots.begin(now)) return;
    this.slots.end();
    if (!this.slots.isOwned || !this.queue.register(QUEUE_PREFIX + this.slots.number.toString())) return;
    if (isAlive) return;
    this.queue.drain();
    this.isAwaited = this.queue.wake();
  }

  /** A turn has come. */
  begin(): void {
    this.queue.drain();
    this.isAwaited = false;
    this.hasCome = true;
  }

  /** The turn leaves work: asks for another one. */
  askAgain(): void {
    this.isAwaited = this.queue.wake();
  }
}
