import { Match } from "../../rules/match/match";

/** How near a rule, or one of its sources or operations, comes to matching a request. */
export class Nearness {
  /** The least match of all parts: Yes without parts. */
  match: Match = Match.Yes;
  private matched: i32 = 0;
  private missed: i32 = 0;

  /** Starts again without parts. */
  clear(): void {
    this.match = Match.Yes;
    this.matched = 0;
    this.missed = 0;
  }

  /** Adds a part that matches like this. */
  add(match: Match): void {
    this.match = min(this.match, match);
    if (match == Match.Yes) this.matched++;
    else this.missed++;
  }

  /** Adds all parts of `other`. */
  addAll(other: Nearness): void {
    this.match = min(this.match, other.match);
    this.matched += other.matched;
    this.missed += other.missed;
  }

  copy(other: Nearness): void {
    this.match = other.match;
    this.matched = other.matched;
    this.missed = other.missed;
  }

  /** Whether it has the better match; or else more parts that match; or else fewer that do not. */
  isNearerThan(other: Nearness): bool {
    if (this.match != other.match) return this.match > other.match;
    if (this.matched != other.matched) return this.matched > other.matched;
    return this.missed < other.missed;
  }
}
