import { Match } from "../../rules/match/match";

/** How near a rule, or one of its sources or operations, comes to matching a request. */
export class Nearness {
  /** The minimum of the matches of all parts; Yes without parts. */
  match: Match = Match.Yes;
  private matched: i32 = 0;
  private missed: i32 = 0;

  /** Resets to no parts. */
  clear(): void {
    this.match = Match.Yes;
    this.matched = 0;
    this.missed = 0;
  }

  /** Adds a part with this match. */
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

  /** Whether this one has the better match; if equal, more matching parts; if equal, fewer other parts. */
  isNearerThan(other: Nearness): bool {
    if (this.match != other.match) return this.match > other.match;
    if (this.matched != other.matched) return this.matched > other.matched;
    return this.missed < other.missed;
  }
}
