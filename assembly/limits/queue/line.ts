import { Pool } from "../../memory/pool";
import { Waiter } from "./waiter";

/** The requests of one caller in a line, in the order in which they came. Pooled. */
@unmanaged
class LineCaller {
  owner: u64;
  /** Requests that have not been displaced. */
  length: u32;
  /** The addresses of its first and last request. */
  first: usize;
  last: usize;
  /** The addresses of its neighbours in the ring of the line's callers. */
  previous: usize;
  next: usize;
}

const callerPool = new Pool(offsetof<LineCaller>());

/**
 * The requests of this worker that wait for the same key of a rule. Callers take turns (round robin), each with the request
 * that came first, so that none waits behind all requests of another one. Pooled.
 */
@unmanaged
export class Line {
  key: u64;
  /** Requests, and callers, that wait in it. */
  length: u32;
  callers: u32;
  /** Requests that have been displaced: they do not count against its bound. */
  displaced: u32;
  /** How often it may still be tried whether the first request is admitted. */
  tries: u32;
  /** Turns among those of all workers that this one has been given, and in which no request has been admitted yet. */
  counted: u32;
  /** Callers in a row who were not admitted only since they repeat a call, while it is tried. */
  rotations: u32;
  /** It is tried until a request is not admitted. */
  isProbed: bool;
  /** It is among the lines that have a turn to come. */
  isReady: bool;
  /** Requests on other workers may wait for the same. */
  isShared: bool;
  /** The worker whose turn it was has had time enough. */
  hasYielded: bool;
  /** When a request may be admitted since time has passed, in milliseconds; 0 where something must be released. */
  retryAtMs: u64;
  /** When other workers last learned that requests wait here, in milliseconds. */
  announcedAtMs: u64;
  /** The addresses of its neighbours in the list of all lines. */
  previous: usize;
  next: usize;
  /** The address of the next line that is ready; 0 for none. */
  nextReady: usize;
  /** The address of the caller whose turn it is; 0 where nobody waits. */
  private current: usize;

  static take(key: u64): Line {
    const self = changetype<Line>(pool.take());
    self.key = key;
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The request whose turn it is. The line must not be empty. */
  get first(): Waiter {
    return changetype<Waiter>(changetype<LineCaller>(this.current).first);
  }

  /** Adds a request of `owner` behind the others of that caller. A caller who is new has its turn after all others. */
  add(waiter: Waiter, owner: u64): void {
    const caller = this.callerOf(owner);
    const at = changetype<usize>(waiter);
    waiter.line = changetype<usize>(this);
    waiter.key = this.key;
    waiter.caller = changetype<usize>(caller);
    waiter.previous = caller.last;
    waiter.next = 0;
    if (caller.last) changetype<Waiter>(caller.last).next = at;
    else caller.first = at;
    caller.last = at;
    caller.length++;
    this.length++;
  }

  /** In a full line, displaces the newest request of the caller who has most, to make room for one of `owner`. Returns it; null
   *  where nobody has at least two more than `owner`. */
  displace(owner: u64): Waiter | null {
    let own: u32 = 0;
    let most = changetype<LineCaller>(this.current);
    for (let at = this.current, i: u32 = 0; i < this.callers; i++) {
      const caller = changetype<LineCaller>(at);
      if (caller.owner == owner) own = caller.length;
      if (caller.length > most.length) most = caller;
      at = caller.next;
    }
    if (most.length <= own + 1) return null;
    let waiter = changetype<Waiter>(most.last);
    while (waiter.isDisplaced) waiter = changetype<Waiter>(waiter.previous);
    waiter.isDisplaced = true;
    most.length--;
    this.displaced++;
    return waiter;
  }

  /** Removes a request. Where it was the one whose turn it was, the next caller has its turn if `isServed`. */
  remove(waiter: Waiter, isServed: bool): void {
    const caller = changetype<LineCaller>(waiter.caller);
    if (isServed && this.current == waiter.caller) this.current = caller.next;
    if (waiter.previous) changetype<Waiter>(waiter.previous).next = waiter.next;
    else caller.first = waiter.next;
    if (waiter.next) changetype<Waiter>(waiter.next).previous = waiter.previous;
    else caller.last = waiter.previous;
    waiter.line = 0;
    if (waiter.isDisplaced) this.displaced--;
    else caller.length--;
    this.length--;
    if (!caller.first) this.dismiss(caller);
  }

  /** Gives the turn to the next caller. */
  rotate(): void {
    this.current = changetype<LineCaller>(this.current).next;
  }

  private callerOf(owner: u64): LineCaller {
    const first = this.current;
    for (let at = first, i: u32 = 0; i < this.callers; i++) {
      const caller = changetype<LineCaller>(at);
      if (caller.owner == owner) return caller;
      at = caller.next;
    }
    const at = callerPool.take();
    const caller = changetype<LineCaller>(at);
    caller.owner = owner;
    this.callers++;
    if (!first) {
      caller.previous = caller.next = at;
      this.current = at;
      return caller;
    }
    const last = changetype<LineCaller>(first).previous;
    caller.previous = last;
    caller.next = first;
    changetype<LineCaller>(last).next = at;
    changetype<LineCaller>(first).previous = at;
    return caller;
  }

  private dismiss(caller: LineCaller): void {
    const at = changetype<usize>(caller);
    this.callers--;
    if (caller.next == at) {
      this.current = 0;
    } else {
      if (this.current == at) this.current = caller.next;
      changetype<LineCaller>(caller.previous).next = caller.next;
      changetype<LineCaller>(caller.next).previous = caller.previous;
    }
    callerPool.release(at);
  }
}

const pool = new Pool(offsetof<Line>());
