/** The host's time: stands still until a test moves it. */
export class Clock {
  /** Nanoseconds since the epoch. Any date does; a real one keeps the numbers as large as they are in Envoy. */
  now = 1_795_000_000_000_000_000n;

  /** Moves on by so many milliseconds; fractions and negative numbers (clocks do step back) are allowed. */
  advance(milliseconds: number): void {
    this.now += BigInt(Math.round(milliseconds * 1e6));
  }
}
