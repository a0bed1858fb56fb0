import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { SharedQueue } from "../host/shared_queue";
import { Slots } from "../store/primitives/slots";
import { Store } from "../store/primitives/store";
import { StreamControl } from "../host/stream_control";
import { TurnWork, Turns } from "./stage/turns";

/** Before the number of a queue in its name. */
const QUEUE_PREFIX = "mcp/turns/";
const NUMBERS: i32 = 256;
/** A message to another instance: the worker and the key, u64 each. */
const MESSAGE_SIZE: usize = 16;
/** Messages that one turn reads at most: there is a turn for each. */
const READ_LIMIT: i32 = 64;
/** Requests that one turn passes or answers at most. */
const TURN_LIMIT: i32 = 32;

const message: usize = memory.data(<i32>MESSAGE_SIZE);

/**
 * Gets a plugin instance called again in a new turn of its worker's event loop, some 0.1 ms later, and lets instances wake
 * each other. The means is a shared queue of the instance's own. Each instance on each worker claims one of 256 queue names,
 * since Envoy frees no name and wakes only the instance that registered a name last. Should a wake-up get lost, the next tick
 * asks for another one.
 */
export class NextTurn extends Turns {
  private works: TurnWork[] = [];
  /** The work that the next turn begins with. */
  private first: i32 = 0;
  /** Whose numbers are the numbers of the queues; null until the first turn is needed. */
  private slots: Slots | null = null;
  /** The host's numbers of the queues of other instances, by their own; 0 where not looked up. */
  private found: StaticArray<u32> = new StaticArray<u32>(NUMBERS);
  /** The number of the own queue, -1 before it has one, and its name: requests that begin to wait leave no garbage. */
  private named: i32 = -1;
  private name: string = "";
  /** A turn was asked for and has not come. */
  private isAwaited: bool = false;
  /** A turn came since the last tick that had work left. */
  private hasCome: bool = false;

  /** @param rootId the plugin instance.
   *  @param queue a queue that is not registered. */
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
      slots = new Slots(new Store(this.data, this.random.next() | 1, "turns"));
      this.slots = slots;
    }
    const before = slots.number;
    if (!slots.begin(now)) return false;
    // A turn that was asked for by another number went to whoever has that now.
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

  /** A tick: works, and asks for a turn where work is left, unless the turns of an earlier tick still follow each other. `now`
   *  in milliseconds. */
  onTick(now: u64): void {
    if (!this.work()) return;
    const isAlive = this.isAwaited && this.hasCome;
    this.hasCome = false;
    if (!this.open(now) || isAlive) return;
    this.isAwaited = this.queue.wake();
  }

  /** A turn has come. */
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

  /** Does some of the work. True where there is more. */
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

/** The name of the queue of this number. */
function nameOf(number: i32): string {
  return QUEUE_PREFIX + number.toString();
}
