/** The host's time, which stays the same until a test advances it. */
export class Clock {
  /** Nanoseconds since the epoch. Any date does; a real one keeps the numbers as large as they are in Envoy. */
  now = 1_795_000_000_000_000_000n;

  /** Advances the time by this number of milliseconds. Fractions and negative numbers (clocks may be set back) are allowed. */
  advance(milliseconds: number): void {
    this.now += BigInt(Math.round(milliseconds * 1e6));
  }
}
