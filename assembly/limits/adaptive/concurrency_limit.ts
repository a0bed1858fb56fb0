import { Latencies } from "./latencies";

/** What the end of a call indicates about its upstream. */
export enum CallEnd {
  /** Nothing, for example because the call was cancelled. */
  Ignored,
  Answered,
  Failed,
}

/**
 * A time that is earlier than the latest one by more than this means that the clock was set back. Smaller differences
 * occur because the time of a call's headers may be older than the latest time.
 */
const CLOCK_STEP: f64 = 60_000_000_000;
const MILLISECOND: f64 = 1_000_000;
const SECOND: f64 = 1000 * MILLISECOND;
/** The limit of a class without measurements. */
const FIRST_LEVEL: f64 = 8;
const MAX_LEVEL: f64 = 100_000;

/**
 * The shortest time slot. Longer ones are this times a power of two. All workers have the same slots, because they
 * depend only on the clock.
 */
const SLOT: f64 = 100 * MILLISECOND;
/** Minimum length of a slot, as a multiple of the median latency. */
const MEDIANS_PER_SLOT: f64 = 4;
/**
 * Minimum length of a slot, as a multiple of the median latency, while the limit is not known yet. A shorter slot
 * suffices, because a lower limit lowers the median too.
 */
const DOUBTFUL_MEDIANS_PER_SLOT: f64 = 2;
/** One of this many slots has a lower limit while the limit is always used up. */
const ROUTINE_SLOTS: f64 = 30;
/** One of this many slots has a lower limit while the limit is not known yet or seems too high. */
const DOUBTFUL_SLOTS: f64 = 2;
/** Only calls that begin in this first part of a slot count, because later ones may end after the slot. */
const COUNTED_PART: f64 = 0.625;

/** Minimum and maximum number of calls in a window. */
const WINDOW_MIN: i32 = 16;
const WINDOW_MAX: i32 = 1000;
/** A window ends after this time even with fewer calls. */
const WINDOW_TIME: f64 = 2 * SECOND;
/** Fewer calls than this are not evaluated. */
const FEW: i32 = 3;
/** From this number of sparse calls on, a comparison decides regardless of the noise of latencies. */
const SPARSE_MAX: i32 = 300;

/** At any limit, the median may exceed the baseline by this fraction. */
const MARGIN: f64 = 0.05;
/** The limit counts as used up if this fraction of it is in use on average. */
const FULL: f64 = 0.8;
/**
 * Maximum ratio of median to baseline even if throughput follows. The throughput of one worker may follow at the cost
 * of others.
 */
const MOST: f64 = 1.25;
/** The smallest relative change of the median that a window must show, as a fraction of the spread. */
const SHOWN_CHANGE: f64 = 0.15;
/** The smallest step of a trial, as a fraction of level × spread. A smaller step would have no measurable effect. */
const MIN_STEP: f64 = 0.3;
/** How fast the spread follows that of the last window, upwards and downwards. */
const SPREAD_RISE: f64 = 0.6;
const SPREAD_FALL: f64 = 0.15;
/** Expected drift of the baseline in one second: relative variance. */
const DRIFT: f64 = 0.0001;
/** The fraction of failed calls may exceed the usual one by this amount. */
const ERROR_MARGIN: f64 = 0.05;

/** Delay before the next trial of a higher limit after an unsuccessful one. It doubles with each further one. */
const FIRST_WAIT: f64 = SECOND / 2;
const MAX_WAIT: f64 = 4 * SECOND;

/**
 * Layout of the token returned by {@link ConcurrencyLimit.start}: the number of calls in flight, the group of the call,
 * and the epoch of the group.
 */
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
 * Learns from latencies how many calls of one class may be in flight on this worker. If all allowed calls are in use,
 * it tries a higher limit for a short time, and keeps it if throughput follows. If the median latency exceeds its
 * baseline, it tries a lower limit, in a time slot that all workers and classes share, and keeps it unless throughput
 * falls too: then the number of calls is not what made them slow. Latency × throughput is the number of calls in flight
 * (Little's law), so throughput follows that number as far as latencies stay the same.
 *
 * Makes no host calls. Times are in nanoseconds.
 */
export class ConcurrencyLimit {
  inFlight: u32 = 0;
  /** The current limit, apart from slots with a lower one. */
  private level: f64 = FIRST_LEVEL;

  /** Median latency of calls that do not slow each other down, 0 if unknown; its relative variance; and the time of
   *  that estimate. */
  private baseline: f64 = 0;
  private variance: f64 = 0;
  private movedAt: f64 = 0;
  /** The fraction of calls that fails even if few are in flight. */
  private errorBaseline: f64 = 0;
  /** The level at which more calls began to fail, 0 if none do, and the number of windows since then. */
  private levelOfErrors: f64 = 0;
  private windowsOfErrors: i32 = 0;
  /** Interquartile range of latencies, relative to their median. */
  private spread: f64 = 0;

  /** The window: calls that began while most of the limit was in use, from `since` until `until` (0 while the window
   *  is open). */
  private crowded: Latencies = new Latencies();
  private crowdedInFlight: f64 = 0;
  private since: f64 = 0;
  /** The latest time that was passed in. */
  private latest: f64 = 0;
  private until: f64 = 0;
  /** Number of calls that began, and of those that used up the limit. */
  private starts: u32 = 0;
  private fullStarts: u32 = 0;
  private answered: i32 = 0;
  private failed: i32 = 0;
  private failedInFlight: f64 = 0;
  /** Number of latencies at which a trial is checked next. */
  private checkAt: i32 = 0;
  private epoch: u32 = 0;

  /** The calls since the last change of the limit that began while at most half of the limit was in use, or in a
   *  slot with a lower limit. */
  private sparse: Latencies = new Latencies();
  private sparseInFlight: f64 = 0;
  private sparseEpoch: u32 = 0;

  /** The last complete window: its median and the median's relative deviation, the average number of calls in
   *  flight, and whether they used up the limit most of the time. */
  private lastMedian: f64 = 0;
  private lastDeviation: f64 = 0;
  private lastInFlight: f64 = 0;
  private wasFull: bool = false;
  /** The last window began after the last slot with a lower limit. */
  private hasWindow: bool = false;

  /** A higher limit is being tried; and the level before the trial. */
  private isTrial: bool = false;
  private levelBefore: f64 = 0;
  private step: f64 = FIRST_LEVEL;
  /** Errors have ended a trial. They show the limit exactly, however noisy latencies are. */
  private isSharp: bool = false;
  private failures: i32 = 0;
  private nextTrialAt: f64 = 0;

  /** A lower limit is being tried in the current slot. */
  private isLow: bool = false;
  private lowLevel: f64 = 0;
  private lowSlot: f64 = 0;
  /** All workers that use up their limit try a lower one in this slot. */
  private isRoutine: bool = false;
  private slotLength: f64 = SLOT;
  /** The median exceeds the baseline. */
  private isSlow: bool = false;
  /** The number of calls turned out not to be what makes them slow. Nothing is tried before the next routine slot. */
  private isExcused: bool = false;
  private isSettled: bool = false;
  /** Calls have been compared with others while fewer were in flight. */
  private isCompared: bool = false;
  /** The last comparison has shown that calls do not slow each other down. */
  private isProven: bool = false;

  /** @param isEnforced whether calls beyond the limit are kept from the server; otherwise no limit can be tried */
  constructor(private isEnforced: bool) {}

  /** The maximum number of calls in flight now: at least 1. */
  limit(now: f64): u32 {
    this.advance(now);
    return <u32>(this.isLow ? this.lowLevel : this.level);
  }

  /** Whether the limit has been measured. At first it is a guess. */
  get isKnown(): bool {
    return this.isCompared;
  }

  /** Begins a call. Returns a token for {@link end}. */
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

  /** Ends a call that began at `startedAt`, for which {@link start} returned `token`. */
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
    // Skip the rest of a slot that has begun already.
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
    this.level = max(1, min(MAX_LEVEL, level));
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

  /** Compares the last window with calls that began while fewer were in flight. */
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
    // The slowdown at which throughput follows the number of calls half of the way.
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

  /** Lowers the limit because more calls fail than usual, faster the longer they do. If as many fail one at a time,
   *  their number is not the cause, and the limit is restored. */
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

  /** Delays the next trial of a higher limit, and makes its step smaller. */
  private fail(now: f64, step: f64): void {
    this.step = max(1, min(step, this.step / 4));
    const longest = this.level < 4 ? 2 * MAX_WAIT : MAX_WAIT;
    this.nextTrialAt = now + min(longest, FIRST_WAIT * <f64>(1 << this.failures));
    if (this.failures < 10) this.failures++;
  }

  /** Ends the window if it has enough calls. */
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

  /** Updates the baseline from the median of a window. */
  private noteMedian(now: f64, median: f64, deviation: f64): void {
    const isBase = !this.baseline || this.level < 2;
    const noise = 2 * Math.sqrt(deviation * deviation + this.variance);
    const isLower = median < this.baseline * (1 - noise);
    const isAlike = this.isProven && !this.isTrial && Math.abs(median / this.baseline - 1) < noise;
    if (isBase || isLower || isAlike) this.move(now, median, deviation);
  }

  private beginTrial(): void {
    const least = this.isSharp ? 0 : this.level * min(0.5, MIN_STEP * this.spread);
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

  /** Whether throughput has followed the number of calls in flight in a trial, at least half of the way. */
  private follows(median: f64): bool {
    if (median > this.baseline * MOST) return false;
    return median < this.lastMedian * Math.sqrt(this.crowdedInFlight / this.crowded.begun / this.lastInFlight);
  }

  /** Whether the fraction of failed calls in the window exceeds the usual one by at least `margin`. */
  private failMore(margin: f64): bool {
    const usual = this.errorBaseline;
    const noise = 3 * Math.sqrt((usual * (1 - usual)) / <f64>(this.answered + this.failed + 1));
    return this.errors > usual + max(margin, noise);
  }

  private get errors(): f64 {
    const events = this.answered + this.failed;
    return events ? <f64>this.failed / <f64>events : 0;
  }

  /** The relative standard deviation of a median of `count` latencies. */
  private deviation(count: i32): f64 {
    return (1.2 * this.spread) / Math.sqrt(<f64>count);
  }

  /** The relative amount by which a median must exceed the baseline to be significant. `deviation` is that of the
   *  median. */
  private margin(deviation: f64): f64 {
    return max(max(MARGIN, 0.5 / this.level), 2 * Math.sqrt(deviation * deviation + this.variance));
  }

  /** Moves the baseline toward this median, weighted by its certainty. */
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
