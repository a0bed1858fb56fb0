import { GateRequest } from "../../gate/stage/request";
import { TurnWork, Turns } from "../../gate/stage/turns";
import { Clock } from "../../host/clock";
import { Timer, TimerTask } from "../../host/timer";
import { SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { NANOSECONDS_PER_MILLISECOND, elapsed, hasCome, isWithin } from "../../memory/elapsed";
import { Table } from "../../memory/table";
import { CheckedRequest } from "../../rules/checked_request";
import { WaitingWorkers } from "../../store/waiting_workers";
import { LimitKind } from "../rules/limit_rule";
import { Deadlines } from "./deadlines";
import { Decider } from "./decider";
import { Line } from "./line";
import { Wait } from "./wait";
import { Waiter } from "./waiter";

/** How often lines are tried although nothing woke them: a wake-up may be lost, and a worker may die. */
const PROBE_MS: u64 = 250;
/** Lines that are tried so at a time. */
const PROBED_LINES: i32 = 64;
/** How often other workers learn that requests still wait here. */
const ANNOUNCE_MS: u64 = 1000;
/** How long another worker, whose turn it is, may leave an allowance that time has brought. */
const YIELD_MS: u64 = 20;

/**
 * The requests of a counting unit that wait on this worker until rules admit them. A request waits in the line of the key that
 * did not admit it. Lines are tried in turns of the event loop: when something is released, on this worker or on another one,
 * when time has brought what a request needs, and now and then. Nothing runs while nothing waits.
 */
export class LimitQueues extends TurnWork {
  /** Decides about requests that wait: the stage that all requests of the unit come from. */
  decider: Decider | null = null;
  private byKey: Table = new Table(16);
  private deadlines: Deadlines = new Deadlines();
  /** The addresses of the first of all lines, of the one that is probed next, and of the first and last one that are ready; 0
   *  for none. */
  private first: usize = 0;
  private nextProbed: usize = 0;
  private firstReady: usize = 0;
  private lastReady: usize = 0;
  private probedAtMs: u64 = 0;
  /** The latest time that the clock has shown while requests wait, in milliseconds. */
  private latestMs: u64 = 0;
  private task: QueueTask = new QueueTask();

  /** @param worker stands for this worker in shared data. */
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

  /** Whether other requests wait under this key, so that a new one must not overtake them. */
  isAwaited(key: u64): bool {
    return this.byKey.get(key) != 0 || this.waiting.isAwaited(key, this.clock.milliseconds);
  }

  /** The same of requests on this worker alone. */
  isAwaitedHere(key: u64): bool {
    return this.byKey.get(key) != 0;
  }

  /** Lets a new request wait. Null where it cannot: the line is full, the wait would be too long, or other workers cannot
   *  learn of it. */
  add(request: GateRequest, check: CheckedRequest, wait: Wait): Waiter | null {
    const now = this.now();
    if (!mayComeInTime(wait, now, now)) return null;
    const waiter = Waiter.take(request, check);
    waiter.arrivedAt = now;
    if (this.enter(waiter, wait, now)) return waiter;
    waiter.release();
    return null;
  }

  /** A request that waits was not admitted: it waits on, in another line where another rule did not admit it. False where it
   *  cannot: then it must be answered. */
  keep(waiter: Waiter, wait: Wait): bool {
    const now = this.now();
    if (!mayComeInTime(wait, waiter.arrivedAt, now)) return false;
    const line = changetype<Line>(waiter.line);
    if (line.key != wait.key) return this.move(waiter, wait, now);
    waiter.kind = wait.kind;
    this.retryAfter(line, wait, now);
    return true;
  }

  /** A request does not wait any longer: {@link Decider.left}. `isServed`: it has been admitted. */
  remove(waiter: Waiter, isServed: bool): void {
    this.leave(waiter, isServed);
    waiter.release();
  }

  /** The client cancels its request of this id in a session. */
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

  /** Something under this key has been released: wakes the worker whose turn it is. Nothing where none waits. */
  released(key: u64): void {
    const line = this.lineOf(key);
    if (line && !line.isShared) return this.ready(line);
    const nowMs = this.clock.milliseconds;
    if (this.waiting.choose(key, nowMs)) this.wakeChosen(key, nowMs);
  }

  /** Something has been released under this key of a line that only this worker has: requests are tried until one is not
   *  admitted. Nothing where none waits. */
  releasedHere(key: u64): void {
    const line = this.lineOf(key);
    if (!line) return;
    this.readyFully(line);
  }

  woken(worker: u64, key: u64): void {
    // No line has the key 0. A message may be any.
    if (worker != this.worker || !key) return;
    const line = this.lineOf(key);
    // What waited is gone: the next worker may need it.
    if (!line) return this.released(key);
    if (!line.retryAtMs) return this.readyInTurn(line);
    // Time has brought it, maybe for several requests, and counts with each.
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

  /** The timer: tries what time may have brought. */
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

  /** The time in nanoseconds. Where the clock was set back, all times move back with it: nobody waits the longer. */
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

  /** Puts a request into the line that it must wait in. False where there is no room. */
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
      // Another caller need not wait for what only repeats a call.
      if (line.first.kind == LimitKind.Repeats) this.ready(line);
    }
    if (!known) this.retryAfter(line, wait, now);
    // What was released before other workers learned of the line woke nobody.
    if (!known && !wait.retryAfterNs) this.ready(line);
    this.timer.after(this.task, <u32>min(PROBE_MS, elapsed(nowMs, waiter.deadlineMs)));
    return true;
  }

  /** Makes room in a full line for a request of `owner`. False where no caller has too many requests in it. */
  private displace(line: Line, owner: u64, nowMs: u64): bool {
    const waiter = line.displace(owner);
    if (!waiter) return false;
    // It is answered in a turn: this may be a callback of another stream.
    this.deadlines.expire(waiter, nowMs);
    this.turns.ask();
    return true;
  }

  /** Puts a request that waits into another line. False where there is no room: then it is in none. */
  private move(waiter: Waiter, wait: Wait, now: u64): bool {
    this.leave(waiter, false);
    return this.enter(waiter, wait, now);
  }

  /** Takes a request out of its line; nothing where it is in none. */
  private leave(waiter: Waiter, isServed: bool): void {
    if (!waiter.line) return;
    const line = changetype<Line>(waiter.line);
    const nowMs = this.clock.milliseconds;
    const callers = line.callers;
    this.decider!.left(waiter);
    this.deadlines.remove(waiter);
    line.remove(waiter, isServed);
    // A request that leaves without it does not need what is free: the next one may.
    if (isServed && line.tries) line.tries--;
    if (line.length == 0) return this.close(line, nowMs);
    if (!line.isShared) return;
    if (isServed && line.counted) line.counted--;
    else if (isServed) this.waiting.served(line.key, this.worker, nowMs);
    if (line.callers != callers) this.announce(line, line.callers, nowMs);
  }

  /** The line of a key; null where nothing waits under it here. */
  private lineOf(key: u64): Line | null {
    const at = <usize>this.byKey.get(key);
    return at ? changetype<Line>(at) : null;
  }

  /** Opens a line for its first request. Null where other workers cannot learn of it. */
  private open(wait: Wait, nowMs: u64): Line | null {
    if (!this.turns.open(nowMs)) return null;
    const line = Line.take(wait.key);
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

  /** A line has no requests any more. */
  private close(line: Line, nowMs: u64): void {
    const at = changetype<usize>(line);
    this.byKey.delete(line.key);
    if (this.nextProbed == at) this.nextProbed = line.next;
    if (line.next) changetype<Line>(line.next).previous = line.previous;
    if (line.previous) changetype<Line>(line.previous).next = line.next;
    else this.first = line.next;
    if (line.isShared) this.announce(line, 0, nowMs);
    // It was woken, and does not need what is free.
    if (line.isShared && line.tries) this.released(line.key);
    // A line that is ready is released in its turn.
    if (!line.isReady) line.release();
  }

  private announce(line: Line, callers: u32, nowMs: u64): bool {
    line.announcedAtMs = nowMs;
    return this.waiting.announce(line.key, callers, this.turns.number, nowMs);
  }

  /** The line is to be tried when time may have brought what its request needs. */
  private retryAfter(line: Line, wait: Wait, now: u64): void {
    if (!wait.retryAfterNs) return;
    const retryAtMs = (now + wait.retryAfterNs) / NANOSECONDS_PER_MILLISECOND + 1;
    if (!line.retryAtMs || hasCome(retryAtMs, line.retryAtMs)) line.retryAtMs = retryAtMs;
    this.timer.after(this.task, <u32>elapsed(now / NANOSECONDS_PER_MILLISECOND, line.retryAtMs));
  }

  /** Time may have brought what the request of a line needs: tries the line, if this worker is next. */
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

  /** Makes sure that turns come, and tries lines that nothing has woken. */
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

  /** Tries a line as often as it was woken, or until a request is not admitted: at most `left` times. Returns how often it may
   *  be tried still. */
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
      // Only what repeats a call waits for that: others of the line need not.
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

  /** Wakes the worker that is next. Its turn counts from now on: what is released meanwhile is for others. */
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

  /** The line is tried until a request is not admitted. */
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

/** Whether a request that waits since `arrivedAt` may be admitted before it must be answered. Times in nanoseconds. */
function mayComeInTime(wait: Wait, arrivedAt: u64, now: u64): bool {
  return elapsed(arrivedAt, now) + wait.retryAfterNs < <u64>wait.maxWaitMs * NANOSECONDS_PER_MILLISECOND;
}
