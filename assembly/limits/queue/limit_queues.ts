import { GateRequest } from "../../gate/stage/request";
import { TurnWork, Turns } from "../../gate/stage/turns";
import { Clock } from "../../host/clock";
import { Timer, TimerTask } from "../../host/timer";
import { SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { NANOSECONDS_PER_MILLISECOND, elapsed, hasCome, isWithin } from "../../memory/elapsed";
import { Table } from "../../memory/table";
import { RequestState } from "../../rules/request_state";
import { WaitingWorkers } from "../../store/waiting_workers";
import { LimitKind } from "../rules/limit_rule";
import { Deadlines } from "./deadlines";
import { Decider } from "./decider";
import { Line } from "./line";
import { Wait } from "./wait";
import { Waiter } from "./waiter";

/**
 * Interval in milliseconds at which lines are tried without a wake-up, because a wake-up may be lost and a worker may
 * die.
 */
const PROBE_MS: u64 = 250;
/** Number of lines tried in one such probe. */
const PROBED_LINES: i32 = 64;
/** Interval in milliseconds at which other workers learn that requests still wait here. */
const ANNOUNCE_MS: u64 = 1000;
/** Time in milliseconds for which another worker, whose turn it is, may leave a refilled allowance unused. */
const YIELD_MS: u64 = 20;

/**
 * The requests of a counting unit that wait on this worker until rules admit them. A request waits in the line of the
 * key that did not admit it. Lines are tried in turns of the event loop: when something is released on any worker, when
 * an allowance has been refilled, and periodically. Nothing runs while nothing waits.
 */
export class LimitQueues extends TurnWork {
  /** Decides about waiting requests: the stage that all requests of the unit come from. */
  decider: Decider | null = null;
  private byKey: Table = new Table(16);
  private deadlines: Deadlines = new Deadlines();
  /** Addresses of the first of all lines, of the line to probe next, and of the first and last ready line; 0 for
   *  none. */
  private first: usize = 0;
  private nextProbed: usize = 0;
  private firstReady: usize = 0;
  private lastReady: usize = 0;
  private probedAtMs: u64 = 0;
  /** The latest time of the clock while requests wait, in milliseconds. */
  private latestMs: u64 = 0;
  private task: QueueTask = new QueueTask();

  /** @param worker identifies this worker in shared data */
  constructor(
    readonly worker: u64,
    private waiting: WaitingWorkers,
    private turns: Turns,
    private timer: Timer,
    private clock: Clock,
  ) {
    super();
    this.task.queues = this;
  }

  /** Whether other requests wait for this key on any worker, so that a new one must not overtake them. */
  isAwaited(key: u64): bool {
    return this.byKey.get(key) != 0 || this.waiting.isAwaited(key, this.clock.milliseconds);
  }

  /** Whether other requests wait for this key on this worker. */
  isAwaitedHere(key: u64): bool {
    return this.byKey.get(key) != 0;
  }

  /** Makes a new request wait. Returns null if it cannot: the line is full, the wait would be too long, or other
   *  workers cannot learn of it. */
  add(request: GateRequest, state: RequestState, wait: Wait): Waiter | null {
    const now = this.now();
    if (!mayComeInTime(wait, now, now)) return null;
    const waiter = Waiter.acquire(request, state);
    waiter.arrivedAt = now;
    if (this.enter(waiter, wait, now)) return waiter;
    waiter.release();
    return null;
  }

  /** Keeps a waiting request that was not admitted, in another line if another rule did not admit it. Returns false
   *  if it cannot wait and must be answered. */
  keep(waiter: Waiter, wait: Wait): bool {
    const now = this.now();
    if (!mayComeInTime(wait, waiter.arrivedAt, now)) return false;
    const line = changetype<Line>(waiter.line);
    if (line.key != wait.key) return this.move(waiter, wait, now);
    waiter.kind = wait.kind;
    this.retryAfter(line, wait, now);
    return true;
  }

  /** Removes a request that no longer waits, after {@link Decider.left}. `isServed`: it has been admitted. */
  remove(waiter: Waiter, isServed: bool): void {
    this.leave(waiter, isServed);
    waiter.release();
  }

  /** Handles the cancellation of the request of this id in a session. */
  cancel(session: SessionKey, kind: IdKind, idHash: u64): void {
    for (let at = changetype<usize>(this.deadlines.first); at; at = changetype<Waiter>(at).later) {
      const waiter = changetype<Waiter>(at);
      const stream = waiter.request.exchange.stream;
      const operation = stream.operations.only;
      if (!operation || operation.idHash != idHash || operation.idKind != kind) continue;
      if (waiter.request.services.sessions.keyOrNone(stream) != session) continue;
      waiter.isCancelled = true;
      this.deadlines.expire(waiter, this.clock.milliseconds);
      this.turns.ask();
      return;
    }
  }

  /** Wakes the worker whose turn it is, because something was released under this key. Does nothing if no request
   *  waits. */
  released(key: u64): void {
    const line = this.lineOf(key);
    if (line && !line.isShared) return this.ready(line);
    const nowMs = this.clock.milliseconds;
    if (this.waiting.choose(key, nowMs)) this.wakeChosen(key, nowMs);
  }

  /** Tries the requests of this key until one is not admitted, because something was released. Only for lines that
   *  no other worker has. Does nothing if no request waits. */
  releasedHere(key: u64): void {
    const line = this.lineOf(key);
    if (!line) return;
    this.readyFully(line);
  }

  woken(worker: u64, key: u64): void {
    // No line has the key 0. The message may have any content.
    if (worker != this.worker || !key) return;
    const line = this.lineOf(key);
    // The waiting requests are gone. The next worker may need the wake-up.
    if (!line) return this.released(key);
    if (!line.retryAtMs) return this.readyInTurn(line);
    // The allowance was refilled, possibly for several requests. Each admission counts for itself.
    this.readyFully(line);
  }

  get hasWork(): bool {
    return this.firstReady != 0 || this.isOverdue;
  }

  turn(most: i32): i32 {
    let left = most;
    while (left > 0 && this.isOverdue) {
      this.decider!.decide(this.deadlines.first!, true);
      left--;
    }
    while (left > 0 && this.firstReady) {
      const line = changetype<Line>(this.firstReady);
      this.firstReady = line.nextReady;
      if (!this.firstReady) this.lastReady = 0;
      line.isReady = false;
      if (line.length) left = this.serve(line, left);
      else line.release();
    }
    return most - left;
  }

  /** Handles the timer: tries lines whose allowance may have been refilled. */
  onTimer(): void {
    const nowMs = this.now() / NANOSECONDS_PER_MILLISECOND;
    let next = PROBE_MS;
    for (let at = this.first; at; at = changetype<Line>(at).next) {
      const line = changetype<Line>(at);
      if (line.isShared && !isWithin(ANNOUNCE_MS, line.announcedAtMs, nowMs)) this.announce(line, line.callers, nowMs);
      if (line.retryAtMs && hasCome(line.retryAtMs, nowMs)) this.tryInTurn(line, nowMs);
      if (line.retryAtMs) next = min(next, elapsed(nowMs, line.retryAtMs));
    }
    if (!isWithin(PROBE_MS, this.probedAtMs, nowMs)) this.probe(nowMs);
    if (!this.first) return;
    if (this.hasWork) this.turns.ask();
    const first = this.deadlines.first;
    if (first) next = min(next, elapsed(nowMs, first.deadlineMs));
    this.timer.after(this.task, <u32>next);
  }

  /** The time in nanoseconds. If the clock was set back, moves all times back by the same amount, so that no request
   *  waits longer. */
  private now(): u64 {
    const now = this.clock.now();
    const nowMs = now / NANOSECONDS_PER_MILLISECOND;
    const backMs = elapsed(nowMs, this.latestMs);
    this.latestMs = nowMs;
    if (backMs) this.setBack(backMs);
    return now;
  }

  private setBack(milliseconds: u64): void {
    const nanoseconds = milliseconds * NANOSECONDS_PER_MILLISECOND;
    for (let at = changetype<usize>(this.deadlines.first); at; at = changetype<Waiter>(at).later) {
      const waiter = changetype<Waiter>(at);
      waiter.arrivedAt -= nanoseconds;
      waiter.beganAt -= nanoseconds;
      waiter.deadlineMs -= milliseconds;
    }
    for (let at = this.first; at; at = changetype<Line>(at).next) {
      const line = changetype<Line>(at);
      if (line.retryAtMs) line.retryAtMs -= milliseconds;
    }
  }

  private get isOverdue(): bool {
    const first = this.deadlines.first;
    return first != null && hasCome(first.deadlineMs, this.clock.milliseconds);
  }

  /** Adds a request to the line in which it must wait. Returns false if there is no room. */
  private enter(waiter: Waiter, wait: Wait, now: u64): bool {
    const nowMs = now / NANOSECONDS_PER_MILLISECOND;
    const known = this.lineOf(wait.key);
    const isFull = known != null && known.length - known.displaced >= wait.maxLength;
    if (isFull && !this.displace(known!, waiter.request.owner, nowMs)) return false;
    const line = known ? known : this.open(wait, nowMs);
    if (!line) return false;
    const callers = line.callers;
    waiter.beganAt = now;
    waiter.deadlineMs = waiter.arrivedAt / NANOSECONDS_PER_MILLISECOND + wait.maxWaitMs;
    waiter.rule = wait.rule;
    waiter.kind = wait.kind;
    line.add(waiter, waiter.request.owner);
    this.deadlines.add(waiter);
    if (known && line.callers != callers) {
      if (line.isShared) this.announce(line, line.callers, nowMs);
      // Another caller need not wait for an allowance of repeated calls.
      if (line.first.kind == LimitKind.Repeats) this.ready(line);
    }
    if (!known) this.retryAfter(line, wait, now);
    // A release before other workers learned of the line woke nobody.
    if (!known && !wait.retryAfterNs) this.ready(line);
    this.timer.after(this.task, <u32>min(PROBE_MS, elapsed(nowMs, waiter.deadlineMs)));
    return true;
  }

  /** Makes room in a full line for a request of `owner`. Returns false if no caller has too many requests in it. */
  private displace(line: Line, owner: u64, nowMs: u64): bool {
    const waiter = line.displace(owner);
    if (!waiter) return false;
    // Answer it in a turn, because this may be a callback of another stream.
    this.deadlines.expire(waiter, nowMs);
    this.turns.ask();
    return true;
  }

  /** Moves a waiting request into another line. Returns false if there is no room; then it is in no line. */
  private move(waiter: Waiter, wait: Wait, now: u64): bool {
    this.leave(waiter, false);
    return this.enter(waiter, wait, now);
  }

  /** Removes a request from its line. Does nothing if it is in none. */
  private leave(waiter: Waiter, isServed: bool): void {
    if (!waiter.line) return;
    const line = changetype<Line>(waiter.line);
    const nowMs = this.clock.milliseconds;
    const callers = line.callers;
    this.decider!.left(waiter);
    this.deadlines.remove(waiter);
    line.remove(waiter, isServed);
    // A request that leaves without being admitted leaves the capacity for the next one.
    if (isServed && line.tries) line.tries--;
    if (line.length == 0) return this.close(line, nowMs);
    if (!line.isShared) return;
    if (isServed && line.counted) line.counted--;
    else if (isServed) this.waiting.served(line.key, this.worker, nowMs);
    if (line.callers != callers) this.announce(line, line.callers, nowMs);
  }

  /** The line of a key; null if no request waits for it here. */
  private lineOf(key: u64): Line | null {
    const at = <usize>this.byKey.get(key);
    return at ? changetype<Line>(at) : null;
  }

  /** Opens a line for its first request. Returns null if other workers cannot learn of it. */
  private open(wait: Wait, nowMs: u64): Line | null {
    if (!this.turns.open(nowMs)) return null;
    const line = Line.acquire(wait.key);
    line.isShared = wait.isShared;
    if (line.isShared && !this.announce(line, 1, nowMs)) {
      line.release();
      return null;
    }
    const at = changetype<usize>(line);
    line.next = this.first;
    if (this.first) changetype<Line>(this.first).previous = at;
    this.first = at;
    this.byKey.set(wait.key, at);
    return line;
  }

  /** Closes an empty line. */
  private close(line: Line, nowMs: u64): void {
    const at = changetype<usize>(line);
    this.byKey.delete(line.key);
    if (this.nextProbed == at) this.nextProbed = line.next;
    if (line.next) changetype<Line>(line.next).previous = line.previous;
    if (line.previous) changetype<Line>(line.previous).next = line.next;
    else this.first = line.next;
    if (line.isShared) this.announce(line, 0, nowMs);
    // The line was woken and does not need the capacity: wake the next worker.
    if (line.isShared && line.tries) this.released(line.key);
    // A ready line is released in its turn.
    if (!line.isReady) line.release();
  }

  private announce(line: Line, callers: u32, nowMs: u64): bool {
    line.announcedAtMs = nowMs;
    return this.waiting.announce(line.key, callers, this.turns.number, nowMs);
  }

  /** Schedules the next try of the line for when its allowance may have been refilled. */
  private retryAfter(line: Line, wait: Wait, now: u64): void {
    if (!wait.retryAfterNs) return;
    const retryAtMs = (now + wait.retryAfterNs) / NANOSECONDS_PER_MILLISECOND + 1;
    if (!line.retryAtMs || hasCome(retryAtMs, line.retryAtMs)) line.retryAtMs = retryAtMs;
    this.timer.after(this.task, <u32>elapsed(now / NANOSECONDS_PER_MILLISECOND, line.retryAtMs));
  }

  /** Tries a line whose allowance may have been refilled, if it is this worker's turn. */
  private tryInTurn(line: Line, nowMs: u64): void {
    line.retryAtMs = 0;
    if (line.isShared && !line.hasYielded && this.waiting.choose(line.key, nowMs)) {
      if (this.waiting.chosen != this.worker) {
        this.turns.wake(this.waiting.chosenQueue, this.waiting.chosen, line.key);
        line.hasYielded = true;
        line.retryAtMs = nowMs + YIELD_MS;
        return;
      }
    }
    line.hasYielded = false;
    this.readyFully(line);
  }

  /** Ensures that turns come, and tries lines without a wake-up. */
  private probe(nowMs: u64): void {
    this.probedAtMs = nowMs;
    this.turns.open(nowMs);
    let at = this.nextProbed ? this.nextProbed : this.first;
    for (let i = 0; at && i < PROBED_LINES; i++) {
      const line = changetype<Line>(at);
      at = line.next;
      if (line.retryAtMs) continue;
      this.readyFully(line);
    }
    this.nextProbed = at;
  }

  /** Tries a line as often as it was woken, or until a request is not admitted: at most `left` times. Returns the
   *  number of tries left. */
  private serve(line: Line, left: i32): i32 {
    const key = line.key;
    while (left > 0 && line.tries > 0) {
      const waiter = line.first;
      left--;
      const hasLeft = this.decider!.decide(waiter, false);
      // The line is closed with its last request.
      if (this.lineOf(key) != line) return left;
      if (hasLeft) {
        if (line.isProbed && !line.tries) line.tries = 1;
        continue;
      }
      // Only repeated calls wait for their allowance. Other requests of the line need not.
      if (waiter.kind == LimitKind.Repeats && ++line.rotations < line.callers) {
        line.rotate();
        continue;
      }
      line.tries = 0;
    }
    if (line.tries) {
      this.markReady(line);
    } else {
      line.isProbed = false;
      line.rotations = 0;
    }
    return left;
  }

  /** Wakes the chosen worker. Its turn counts from now on, so that later releases go to others. */
  private wakeChosen(key: u64, nowMs: u64): void {
    const chosen = this.waiting.chosen;
    this.waiting.served(key, chosen, nowMs);
    if (chosen != this.worker) return this.turns.wake(this.waiting.chosenQueue, chosen, key);
    const line = this.lineOf(key);
    if (line) this.readyInTurn(line);
  }

  private readyInTurn(line: Line): void {
    line.counted++;
    this.ready(line);
  }

  /** Tries the line until a request is not admitted. */
  private readyFully(line: Line): void {
    line.isProbed = true;
    this.ready(line);
  }

  private ready(line: Line): void {
    line.tries++;
    this.markReady(line);
  }

  private markReady(line: Line): void {
    if (line.isReady) return;
    const at = changetype<usize>(line);
    line.isReady = true;
    line.nextReady = 0;
    if (this.lastReady) changetype<Line>(this.lastReady).nextReady = at;
    else this.firstReady = at;
    this.lastReady = at;
    this.turns.ask();
  }
}

/** Runs {@link LimitQueues.onTimer}. */
class QueueTask extends TimerTask {
  queues: LimitQueues | null = null;

  run(): void {
    this.queues!.onTimer();
  }
}

/**
 * Whether a request that has waited since `arrivedAt` may be admitted before its deadline. Times are in nanoseconds.
 */
function mayComeInTime(wait: Wait, arrivedAt: u64, now: u64): bool {
  return elapsed(arrivedAt, now) + wait.retryAfterNs < <u64>wait.maxWaitMs * NANOSECONDS_PER_MILLISECOND;
}
