import { Latencies } from "./latencies";

/** What the end of a call says of its upstream. */
export enum CallEnd {
  /** Nothing: it was cancelled, say. */
  Ignored,
  Answered,
  Failed,
}

/** A time that is earlier by more is of a clock that was set back: others are those of headers that came before what was seen
 *  last. */
const CLOCK_STEP: f64 = 60_000_000_000;
const MILLISECOND: f64 = 1_000_000;
const SECOND: f64 = 1000 * MILLISECOND;
/** The limit of a class that nothing is known of. */
const FIRST_LEVEL: f64 = 8;
const LARGEST_LEVEL: f64 = 100_000;

/** The shortest time slot; longer ones are this times a power of two. All workers have the same ones, by the clock. */
const SLOT: f64 = 100 * MILLISECOND;
/** A slot lasts for this many medians at least. */
const MEDIANS_PER_SLOT: f64 = 4;
/** The same where the limit is not known yet: with a lower one, the median is lower as well. */
const DOUBTFUL_MEDIANS_PER_SLOT: f64 = 2;
/** Of this many slots, one has a lower limit where the limit is used up all the time. */
const ROUTINE_SLOTS: f64 = 30;
/** The same where the limit is not known yet, or seems too high. */
const DOUBTFUL_SLOTS: f64 = 2;
/** Calls that begin in this part of a slot count there: the others may end behind it. */
const COUNTED_PART: f64 = 0.625;

/** Calls in a window, at least and at most. */
const WINDOW_MIN: i32 = 16;
const WINDOW_MAX: i32 = 1000;
/** A window ends after this time with fewer calls. */
const WINDOW_TIME: f64 = 2 * SECOND;
/** Fewer calls say nothing. */
const FEW: i32 = 3;
/** Sparse calls that decide, however much their latencies vary. */
const SPARSE_MAX: i32 = 300;

/** By this part the median may exceed the baseline at any limit. */
const MARGIN: f64 = 0.05;
/** The limit counts as used up where this part of it is in use on average. */
const FULL: f64 = 0.8;
/** The factor by which the median may exceed the baseline even if throughput follows: that of one worker may follow at the cost
 *  of others. */
const MOST: f64 = 1.25;
/** The smallest change of the median that a window is to show, as a part of the spread. */
const SHOWN_CHANGE: f64 = 0.15;
/** The smallest step of a trial, as a part of level × spread: a smaller one would not show. */
const LEAST_STEP: f64 = 0.3;
/** How fast the spread follows that of the last window: upwards, and downwards. */
const SPREAD_RISE: f64 = 0.6;
const SPREAD_FALL: f64 = 0.15;
/** How far the baseline is expected to move by itself in a second: the variance, as a part of its square. */
const DRIFT: f64 = 0.0001;
/** By this much the part of failed calls may exceed what is usual. */
const ERROR_MARGIN: f64 = 0.05;

/** How long no higher limit is tried after one was no success; it doubles with each one. */
const FIRST_WAIT: f64 = SECOND / 2;
const LONGEST_WAIT: f64 = 4 * SECOND;

/** What {@link ConcurrencyLimit.start} returns: the calls in flight, the group that the call belongs to, and which of these groups. */
const IN_FLIGHT_BITS: u32 = 18;
const IN_FLIGHT_MASK: u32 = (1 << IN_FLIGHT_BITS) - 1;
const GROUP_MASK: u32 = 3;
const EPOCH_SHIFT: u32 = IN_FLIGHT_BITS + 2;
const EPOCH_MASK: u32 = (1 << (32 - EPOCH_SHIFT)) - 1;

enum Group {
  None,
  Crowded,
  Sparse,
}

/**
 * How many calls of one class may be in flight on this worker: learnt from their latencies. Where all allowed ones are in use
 * it tries a higher limit for a short time, and keeps that if throughput follows. Where the median of latencies exceeds its
 * baseline it tries a lower one, in a time slot that all workers and classes have in common, and keeps that unless
 * throughput falls along with it: then what made the calls slower is not their number. Latency × throughput is the number in
 * flight (Little's law), so that throughput follows as far as latencies stay the same.
 *
 * It makes no call of the host. Times are in nanoseconds.
 */
export class ConcurrencyLimit {
  inFlight: u32 = 0;
  /** The limit, but for slots with a lower one and for trials of a higher one. */
  private level: f64 = FIRST_LEVEL;

  /** The median latency of calls that do not hinder each other, 0 where not known; its variance, as a part of its square, and
   *  when that was estimated. */
  private baseline: f64 = 0;
  private variance: f64 = 0;
  private movedAt: f64 = 0;
  /** The part of calls that fails however few there are. */
  private errorBaseline: f64 = 0;
  /** The level at which more began to fail, 0 where none do, and the windows since then. */
  private levelOfErrors: f64 = 0;
  private windowsOfErrors: i32 = 0;
  /** Distance between the quartiles of latencies, as a part of their median. */
  private spread: f64 = 0;

  /** The calls of a window that began while most of the limit was in use: from `since` until `until` (0: until now). */
  private crowded: Latencies = new Latencies();
  private crowdedInFlight: f64 = 0;
  private since: f64 = 0;
  /** The latest time that was seen. */
  private latest: f64 = 0;
  private until: f64 = 0;
  /** Calls that began, and those of them which used up the limit. */
  private starts: u32 = 0;
  private fullStarts: u32 = 0;
  private answered: i32 = 0;
  private failed: i32 = 0;
  private failedInFlight: f64 = 0;
  /** The number of latencies at which a trial is looked at next. */
  private checkAt: i32 = 0;
  private epoch: u32 = 0;

  /** The calls that began while at most half of the limit was in use, or a lower one was tried: since the limit has changed. */
  private sparse: Latencies = new Latencies();
  private sparseInFlight: f64 = 0;
  private sparseEpoch: u32 = 0;

  /** Of the last whole window: the median with its deviation, the calls in flight on average, and whether they used up the
   *  limit most of the time. */
  private lastMedian: f64 = 0;
  private lastDeviation: f64 = 0;
  private lastInFlight: f64 = 0;
  private wasFull: bool = false;
  /** That window began after the last slot with a lower limit. */
  private hasWindow: bool = false;

  /** A higher limit is tried; the level before it. */
  private isTrial: bool = false;
  private levelBefore: f64 = 0;
  private step: f64 = FIRST_LEVEL;
  /** Errors have ended a trial: they show the limit exactly, however much latencies vary. */
  private isSharp: bool = false;
  private failures: i32 = 0;
  private nextTrialAt: f64 = 0;

  /** A lower limit is tried in this slot. */
  private isLow: bool = false;
  private lowLevel: f64 = 0;
  private lowSlot: f64 = 0;
  /** All workers try a lower limit in this slot, if they use up theirs. */
  private isRoutine: bool = false;
  private slotLength: f64 = SLOT;
  /** The median exceeds the baseline. */
  private isSlow: bool = false;
  /** The number of calls has been found not to be what makes them slow: nothing is tried before the next routine. */
  private isExcused: bool = false;
  private isSettled: bool = false;
  /** Some calls have been compared with others of which fewer were in flight. */
  private isCompared: bool = false;
  /** The last comparison has shown that calls do not hinder each other. */
  private isProven: bool = false;

  /** @param isEnforced whether calls beyond the limit are kept from the server: else nothing can be tried. */
  constructor(private isEnforced: bool) {}

  /** The calls that may be in flight now: at least 1. */
  limit(now: f64): u32 {
    this.advance(now);
    return <u32>(this.isLow ? this.lowLevel : this.level);
  }

  /** Whether calls have shown what the limit is: at first it is a guess. */
  get isKnown(): bool {
    return this.isCompared;
  }

  /** A call begins. Returns what {@link end} needs to know of it. */
  start(now: f64): u32 {
    const limit = this.limit(now);
    const inFlight = ++this.inFlight;
    this.starts++;
    if (inFlight >= limit) this.fullStarts++;
    const group = this.groupOf(this.latest, inFlight);
    let epoch = this.epoch;
    if (group == Group.Crowded) {
      this.crowded.begun++;
      this.crowdedInFlight += inFlight;
    } else if (group == Group.Sparse) {
      this.sparse.begun++;
      this.sparseInFlight += inFlight;
      epoch = this.sparseEpoch;
    }
    return min(inFlight, IN_FLIGHT_MASK) | ((<u32>group) << IN_FLIGHT_BITS) | (epoch << EPOCH_SHIFT);
  }

  /** A call ends that began at `startedAt`, when {@link start} returned `token`. */
  end(now: f64, startedAt: f64, token: u32, end: CallEnd): void {
    if (this.inFlight) this.inFlight--;
    this.advance(now);
    const group: Group = (token >> IN_FLIGHT_BITS) & GROUP_MASK;
    const epoch = token >> EPOCH_SHIFT;
    const latency = max(now - startedAt, 1);
    if (group == Group.Sparse && epoch == this.sparseEpoch) this.sparse.end(latency, end == CallEnd.Answered);
    if (group == Group.Crowded && epoch == this.epoch) this.crowded.end(latency, end == CallEnd.Answered);
    if (startedAt >= this.since) {
      if (end == CallEnd.Answered) this.answered++;
      if (end == CallEnd.Failed) {
        this.failed++;
        this.failedInFlight += token & IN_FLIGHT_MASK;
      }
    }
    if (!this.isLow) this.check(now);
  }

  private groupOf(now: f64, inFlight: u32): Group {
    if (this.isLow) {
      const isCounted = now <= (this.lowSlot + COUNTED_PART) * this.slotLength;
      return isCounted && <f64>inFlight <= this.lowLevel ? Group.Sparse : Group.None;
    }
    const level = Math.floor(this.level);
    if (<f64>inFlight > 0.5 * level) return this.until ? Group.None : Group.Crowded;
    return this.isTrial ? Group.None : Group.Sparse;
  }

  /** Begins and ends slots with a lower limit. */
  private advance(seen: f64): void {
    const isSetBack = seen < this.latest - CLOCK_STEP;
    if (isSetBack) this.begin(seen);
    const now = isSetBack ? seen : max(seen, this.latest);
    this.latest = now;
    if (!this.isEnforced) return;
    const slot = Math.floor(now / this.slotLength);
    if (this.isLow) {
      if (slot != this.lowSlot) this.endLow(now);
      return;
    }
    if (slot == this.lowSlot || this.lastInFlight < 1.5) return;
    const isRoutine = slot % ROUTINE_SLOTS == 0 && (this.wasFull || !this.isSettled);
    const isDoubtful = this.isDoubtful && slot % DOUBTFUL_SLOTS == 0 && this.hasWindow && !this.isTrial;
    if (!isRoutine && !isDoubtful) return;
    this.lowSlot = slot;
    // Half a slot is worth nothing.
    if (now - slot * this.slotLength <= this.slotLength / 8) this.beginLow(now);
  }

  private get isDoubtful(): bool {
    return (this.isSlow || !this.isSettled) && !this.isExcused;
  }

  private begin(now: f64): void {
    this.since = now;
    this.until = 0;
    this.epoch = (this.epoch + 1) & EPOCH_MASK;
    this.crowded.clear(this.baseline);
    this.crowdedInFlight = 0;
    this.answered = 0;
    this.failed = 0;
    this.failedInFlight = 0;
    this.starts = 0;
    this.fullStarts = 0;
    this.checkAt = 1;
  }

  private forgetSparse(): void {
    this.sparseEpoch = (this.sparseEpoch + 1) & EPOCH_MASK;
    this.sparse.clear(this.baseline);
    this.sparseInFlight = 0;
  }

  private setLevel(level: f64): void {
    this.level = max(1, min(LARGEST_LEVEL, level));
    this.forgetSparse();
  }

  private beginLow(now: f64): void {
    if (this.isTrial) this.setLevel(this.levelBefore);
    this.isTrial = false;
    this.isLow = true;
    this.hasWindow = false;
    let low = this.lastInFlight / 2;
    this.isRoutine = this.lowSlot % ROUTINE_SLOTS == 0;
    if (this.isSlow && !this.isRoutine) low = max(low, (this.lastInFlight * this.baseline) / this.lastMedian);
    this.lowLevel = max(1, min(Math.floor(low), Math.ceil(this.lastInFlight) - 1));
    this.begin(now);
  }

  private endLow(now: f64): void {
    this.isLow = false;
    if (this.sparse.ended < FEW && this.sparse.begun > FEW) this.lastMedian *= 2;
    else this.compare(now, this.isRoutine);
    this.begin(now);
    this.pace();
  }

  /** Compares the last window with calls of which fewer were in flight. */
  private compare(now: f64, mayRaise: bool): void {
    const sparse = this.sparse;
    const count = sparse.ended;
    if (count < FEW || !this.lastMedian) return;
    const median = sparse.median;
    if (!median) return;
    const deviation = this.deviation(count);
    const inFlight = this.sparseInFlight / sparse.begun;
    const ratio = this.lastInFlight / inFlight;
    const slowdown = this.lastMedian / median;
    const noise = Math.sqrt(deviation * deviation + this.lastDeviation * this.lastDeviation);
    // Throughput follows half of the way.
    const threshold = Math.sqrt(ratio);
    if (count < SPARSE_MAX && Math.abs(slowdown - threshold) < 1.5 * noise) return;
    if (mayRaise || median < this.baseline) this.move(now, median, deviation);
    const margin = this.margin(this.lastDeviation);
    this.isProven = mayRaise && slowdown < threshold && slowdown < 1 + margin;
    if (this.isProven) this.move(now, this.lastMedian, this.lastDeviation);
    const isTooSlow = slowdown > threshold && this.lastMedian > this.baseline * (1 + margin);
    this.isSlow = false;
    this.isExcused = !isTooSlow && !mayRaise;
    this.isCompared = true;
    if (mayRaise) this.isSettled = true;
    if (isTooSlow) {
      const level = max(inFlight, (this.lastInFlight * this.baseline * (1 + MARGIN / 2)) / this.lastMedian);
      if (level < this.level * 0.8) this.isSettled = false;
      this.lower(now, level);
    } else {
      this.forgetSparse();
    }
  }

  private lower(now: f64, level: f64): void {
    this.setLevel(min(this.level, level));
    this.fail(now, this.level / 16);
  }

  /** More calls fail than usual: lowers the limit, the faster the longer they do. If as many fail one at a time, it is not their
   *  number, and the limit is what it was. */
  private lowerForErrors(now: f64): void {
    if (!this.levelOfErrors) this.levelOfErrors = this.level;
    if (this.level < 2) {
      this.errorBaseline = max(this.errorBaseline, this.errors);
      this.setLevel(this.levelOfErrors);
      return;
    }
    const part = min(0.05 * <f64>(1 << this.windowsOfErrors), 0.4);
    if (this.windowsOfErrors < 4) this.windowsOfErrors++;
    this.lower(now, min(this.level * (1 - part), this.failedInFlight / this.failed - 0.5));
  }

  /** Waits before the next trial of a higher limit, with smaller steps. */
  private fail(now: f64, step: f64): void {
    this.step = max(1, min(step, this.step / 4));
    const longest = this.level < 4 ? 2 * LONGEST_WAIT : LONGEST_WAIT;
    this.nextTrialAt = now + min(longest, FIRST_WAIT * <f64>(1 << this.failures));
    if (this.failures < 10) this.failures++;
  }

  /** Ends the window where it has enough. */
  private check(now: f64): void {
    const crowded = this.crowded;
    if (this.isTrial && this.failed >= FEW && this.failMore(4 * ERROR_MARGIN)) {
      this.isSharp = true;
      return this.revert(now);
    }
    if (this.isTrial && crowded.ended >= this.checkAt) {
      this.checkAt = crowded.ended * 2;
      const certain = crowded.medianOfEnded * (1 - 2 * this.deviation(crowded.ended));
      if (certain > this.baseline * (1 + this.margin(0)) && !this.follows(certain)) return this.revert(now);
    }
    const events = crowded.begun + this.failed;
    if (!this.until) {
      const elapsed = now - this.since;
      const isLate = elapsed > max(WINDOW_TIME, this.slotLength);
      if ((events < this.needed && !isLate) || events < 2 * FEW || elapsed < this.baseline) return;
      this.until = now;
    }
    const median = crowded.median;
    if (crowded.begun >= FEW && (!median || now - this.until < median)) return;
    this.evaluate(now);
  }

  private get needed(): f64 {
    const difference = this.isTrial
      ? Math.sqrt(this.level / this.levelBefore) - 1
      : max(max(MARGIN, 0.5 / this.level), this.spread * SHOWN_CHANGE);
    const precise = (2 * this.spread) / difference;
    return min(max(max(<f64>WINDOW_MIN, 2 * this.level), precise * precise), <f64>WINDOW_MAX);
  }

  private evaluate(now: f64): void {
    const crowded = this.crowded;
    const count = crowded.ended;
    const hasReached = this.fullStarts > 0;
    const areErrorsMany = this.failMore(ERROR_MARGIN);
    const isKnown = count >= FEW;
    let isSlow = false;
    let median = this.lastMedian;
    let inFlight = this.lastInFlight;
    let deviation = this.lastDeviation;
    if (isKnown) {
      median = crowded.median;
      inFlight = this.crowdedInFlight / crowded.begun;
      const change = max(0, crowded.spread) - this.spread;
      this.spread += change * (change > 0 ? SPREAD_RISE : SPREAD_FALL);
      deviation = this.deviation(count);
      this.noteMedian(now, median, deviation);
      isSlow = median > this.baseline * (1 + this.margin(deviation));
    }
    const isFull = this.fullStarts * 2 >= this.starts || inFlight > FULL * Math.floor(this.level);
    if (this.isTrial) {
      if (areErrorsMany || (isSlow && !this.follows(median))) return this.revert(now);
      this.isTrial = false;
      this.isSharp = false;
      this.step = min(this.level, this.step * 2);
      this.failures = 0;
      this.nextTrialAt = now;
    } else if (areErrorsMany) {
      this.lowerForErrors(now);
    } else {
      this.levelOfErrors = 0;
      this.windowsOfErrors = 0;
      if (this.errorBaseline) this.errorBaseline += (this.errors - this.errorBaseline) / 16;
    }
    this.lastMedian = median;
    this.lastDeviation = deviation;
    this.lastInFlight = inFlight;
    this.wasFull = isFull;
    this.hasWindow = isKnown;
    this.isSlow = isSlow && !areErrorsMany;
    if (!this.isEnforced && isSlow) {
      const sustained = (inFlight * this.baseline * (1 + MARGIN / 2)) / median;
      this.setLevel(this.level + (sustained - this.level) / 4);
    }
    if (this.sparse.ended >= WINDOW_MIN && this.sparse.ended * 5 > this.sparse.begun * 4) this.compare(now, true);
    this.begin(now);
    const mayGrow = this.isCompared || !isFull || median > SECOND;
    if (mayGrow && !isSlow && !areErrorsMany && isKnown && hasReached && now >= this.nextTrialAt) this.beginTrial();
    this.pace();
  }

  /** The calls of a window took that long. */
  private noteMedian(now: f64, median: f64, deviation: f64): void {
    const isBase = !this.baseline || this.level < 2;
    const noise = 2 * Math.sqrt(deviation * deviation + this.variance);
    const isLower = median < this.baseline * (1 - noise);
    const isAlike = this.isProven && !this.isTrial && Math.abs(median / this.baseline - 1) < noise;
    if (isBase || isLower || isAlike) this.move(now, median, deviation);
  }

  private beginTrial(): void {
    const least = this.isSharp ? 0 : this.level * min(0.5, LEAST_STEP * this.spread);
    this.levelBefore = this.level;
    this.isTrial = this.isEnforced;
    this.setLevel(Math.floor(this.level + max(this.step, least)));
  }

  private revert(now: f64): void {
    this.isTrial = false;
    this.setLevel(this.levelBefore);
    this.fail(now, this.step);
    this.begin(now);
  }

  /** Whether throughput has followed the number in flight to a trial, or half of the way. */
  private follows(median: f64): bool {
    if (median > this.baseline * MOST) return false;
    return median < this.lastMedian * Math.sqrt(this.crowdedInFlight / this.crowded.begun / this.lastInFlight);
  }

  /** Whether more calls of the window fail than usual, by this part of all at least. */
  private failMore(margin: f64): bool {
    const usual = this.errorBaseline;
    const noise = 3 * Math.sqrt((usual * (1 - usual)) / <f64>(this.answered + this.failed + 1));
    return this.errors > usual + max(margin, noise);
  }

  private get errors(): f64 {
    const events = this.answered + this.failed;
    return events ? <f64>this.failed / <f64>events : 0;
  }

  /** The standard deviation of a median of `count` latencies, as a part of it. */
  private deviation(count: i32): f64 {
    return (1.2 * this.spread) / Math.sqrt(<f64>count);
  }

  /** By which part a median exceeds the baseline that means something. `deviation`: that of the median. */
  private margin(deviation: f64): f64 {
    return max(max(MARGIN, 0.5 / this.level), 2 * Math.sqrt(deviation * deviation + this.variance));
  }

  /** Moves the baseline to this median, as far as that is more certain. */
  private move(now: f64, median: f64, deviation: f64): void {
    const variance = max(deviation * deviation, 0.0001);
    if (!this.baseline) {
      this.baseline = median;
      this.variance = variance;
    } else {
      const distance = median - this.baseline;
      const relative = distance / this.baseline;
      const before = this.variance + (DRIFT * (now - this.movedAt)) / SECOND;
      const isJump = relative * relative > max(9 * (variance + before), 0.01);
      const gain = isJump ? 1 : before / (before + variance);
      this.baseline += distance * gain;
      this.variance = isJump ? variance : before * (1 - gain);
    }
    this.movedAt = now;
  }

  /** Adapts the length of slots to latencies. */
  private pace(): void {
    const medians = this.isSettled ? MEDIANS_PER_SLOT : DOUBTFUL_MEDIANS_PER_SLOT;
    const least = medians * max(this.baseline, this.lastMedian);
    let length = SLOT;
    while (length < least) length *= 2;
    this.slotLength = length;
  }
}
