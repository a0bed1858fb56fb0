import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { SharedQueue } from "../host/shared_queue";
import { WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { StreamControl } from "../host/stream_control";
import { TurnWork, Turns } from "./stage/turns";

/** Prefix of queue names; the number of the queue follows. */
const QUEUE_PREFIX = "mcp/turns/";
const NUMBERS: i32 = 256;
/** Size in bytes of a message to another instance: the worker and the key, u64 each. */
const MESSAGE_SIZE: usize = 16;
/** Maximum number of messages that one turn reads. Each message causes a turn of its own. */
const READ_LIMIT: i32 = 64;
/** Maximum number of requests that one turn passes or answers. */
const TURN_LIMIT: i32 = 32;

const message: usize = memory.data(<i32>MESSAGE_SIZE);

/**
 * Gets a plugin instance called again in a new turn of its worker's event loop, about 0.1 ms later, and lets instances
 * wake each other. It uses a shared queue of the instance's own. Each instance on each worker claims one of 256 queue
 * names, because Envoy never frees a name and wakes only the instance that registered it last. If a wake-up gets lost,
 * the next tick asks for another one.
 */
export class NextTurn extends Turns {
  private works: TurnWork[] = [];
  /** Index of the work that the next turn begins with. */
  private first: i32 = 0;
  /** Claims the number of the queue; null until the first turn is needed. */
  private slots: WorkerSlots | null = null;
  /** The host's ids of the queues of other instances, indexed by queue number; 0 if not looked up yet. */
  private found: StaticArray<u32> = new StaticArray<u32>(NUMBERS);
  /** The number of this instance's queue, -1 before it has one, and its name. Caching the name avoids garbage when
   *  requests begin to wait. */
  private named: i32 = -1;
  private name: string = "";
  /** A turn was requested and has not come yet. */
  private isAwaited: bool = false;
  /** A turn came since the last tick that had work left. */
  private hasCome: bool = false;

  /**
   * @param rootId context id of the plugin instance
   * @param queue a queue that is not registered yet
   */
  constructor(
    private rootId: u32,
    private queue: SharedQueue,
    private data: SharedData,
    private random: Random,
    private streams: StreamControl,
  ) {
    super();
  }

  get number(): i32 {
    const slots = this.slots;
    return slots ? slots.number : -1;
  }

  add(work: TurnWork): void {
    this.works.push(work);
  }

  remove(work: TurnWork): void {
    const at = this.works.indexOf(work);
    if (at >= 0) this.works.splice(at, 1);
  }

  open(now: u64): bool {
    let slots = this.slots;
    if (!slots) {
      slots = new WorkerSlots(new Store(this.data, this.random.next() | 1, "turns"));
      this.slots = slots;
    }
    const before = slots.number;
    if (!slots.begin(now)) return false;
    // A turn requested under another number went to the instance that has that number now.
    if (slots.number != before) this.isAwaited = false;
    slots.end();
    if (!slots.isOwned) return false;
    if (this.named != slots.number) {
      this.named = slots.number;
      this.name = nameOf(slots.number);
    }
    return this.queue.register(this.name);
  }

  ask(): void {
    if (!this.isAwaited) this.isAwaited = this.queue.wake();
  }

  wake(number: i32, worker: u64, key: u64): void {
    if (number == this.number) return this.deliver(worker, key);
    if (<u32>number >= <u32>NUMBERS) return;
    let queue = this.found[number];
    if (!queue) {
      queue = this.queue.find(nameOf(number));
      this.found[number] = queue;
    }
    store<u64>(message, worker);
    store<u64>(message, key, 8);
    this.queue.send(queue, message, MESSAGE_SIZE);
  }

  /** Does some work on a tick and asks for a turn if work is left, unless the turns of an earlier tick still follow
   *  each other. `now` is in milliseconds. */
  onTick(now: u64): void {
    if (!this.work()) return;
    const isAlive = this.isAwaited && this.hasCome;
    this.hasCome = false;
    if (!this.open(now) || isAlive) return;
    this.isAwaited = this.queue.wake();
  }

  /** Reads the messages of other instances and does some work, in a turn. */
  onTurn(): void {
    if (!this.slots) return;
    for (let i = 0; i < READ_LIMIT && this.queue.next(); i++) {
      const at = this.queue.at;
      if (this.queue.length == MESSAGE_SIZE) this.deliver(load<u64>(at), load<u64>(at, 8));
    }
    this.isAwaited = false;
    this.hasCome = true;
    if (this.work()) this.ask();
  }

  private deliver(worker: u64, key: u64): void {
    for (let i = 0; i < this.works.length; i++) this.works[i].woken(worker, key);
  }

  /** Does some work. Returns true if there is more. */
  private work(): bool {
    const works = this.works;
    let left = TURN_LIMIT;
    let hasMore = false;
    if (++this.first >= works.length) this.first = 0;
    for (let i = 0; i < works.length; i++) {
      const at = this.first + i;
      const work = works[at < works.length ? at : at - works.length];
      if (left && work.hasWork) left -= work.turn(left);
      if (work.hasWork) hasMore = true;
    }
    this.streams.makeCurrent(this.rootId);
    return hasMore;
  }
}

function nameOf(number: i32): string {
  return QUEUE_PREFIX + number.toString();
}
