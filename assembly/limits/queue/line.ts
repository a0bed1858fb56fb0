import { Pool } from "../../memory/pool";
import { Waiter } from "./waiter";

/** The requests of one caller in a line, in the order of arrival. Pooled. */
@unmanaged
class LineCaller {
  owner: u64;
  /** Number of requests that have not been displaced. */
  length: u32;
  /** Addresses of the caller's first and last request. */
  first: usize;
  last: usize;
  /** Addresses of the neighbours in the ring of the line's callers. */
  previous: usize;
  next: usize;
}

const callerPool = new Pool(offsetof<LineCaller>());

/**
 * The requests of this worker that wait for the same key of a rule. Callers take turns (round robin), each with its
 * oldest request, so that no caller waits behind all requests of another one. Pooled.
 */
@unmanaged
export class Line {
  key: u64;
  /** Number of requests and of callers in the line. */
  length: u32;
  callers: u32;
  /** Number of displaced requests, which do not count toward the line's bound. */
  displaced: u32;
  /** Number of times that the line may still be tried. */
  tries: u32;
  /**
   * Number of turns that this worker was given, of those shared among all workers, and in which no request has been
   * admitted yet.
   */
  counted: u32;
  /** Number of consecutive callers who were not admitted only because they repeat a call, in the current tries. */
  rotations: u32;
  /** The line is tried until a request is not admitted. */
  isProbed: bool;
  /** The line is in the list of ready lines. */
  isReady: bool;
  /** Requests on other workers may wait for the same key. */
  isShared: bool;
  /** The worker whose turn it was has had enough time. */
  hasYielded: bool;
  /** When an allowance may have been refilled, in milliseconds; 0 if something must be released instead. */
  retryAtMs: u64;
  /** When other workers last learned that requests wait here, in milliseconds. */
  announcedAtMs: u64;
  /** Addresses of the neighbours in the list of all lines. */
  previous: usize;
  next: usize;
  /** Address of the next ready line; 0 for none. */
  nextReady: usize;
  /** Address of the caller whose turn it is; 0 if no request waits. */
  private current: usize;

  static acquire(key: u64): Line {
    const self = changetype<Line>(pool.acquire());
    self.key = key;
    return self;
  }

  /** Returns the line to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The request whose turn it is. The line must not be empty. */
  get first(): Waiter {
    return changetype<Waiter>(changetype<LineCaller>(this.current).first);
  }

  /** Adds a request of `owner` after that caller's other requests. A new caller has its turn after all others. */
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

  /** Displaces, in a full line, the newest request of the caller with the most requests, to make room for one of
   *  `owner`. Returns the displaced request; null if no caller has at least two more than `owner`. */
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

  /** Removes a request. If it was its turn and `isServed`, the next caller has the turn. */
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
    const at = callerPool.acquire();
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
