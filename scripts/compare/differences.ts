/** The differences between two recordings, by kind of call. */
import { type Entry, kindOf } from "./recorder.ts";

/** An entry of one recording or of both, in order. */
export interface Line {
  readonly side: "old" | "new" | "both";
  readonly entry: Entry;
}

/** The first input in which a kind of call differed. */
export interface Example {
  /** The job's number, and the input's number within the job, by which examples are ordered. */
  readonly job: number;
  readonly input: number;
  readonly configuration: string;
  /** The input as text. */
  readonly title: string;
  /** The differing entries and those around them. */
  readonly lines: readonly Line[];
}

/** The number of differing calls of one kind. */
export interface KindCount {
  readonly kind: string;
  /** Number of calls that only one of the modules made, at this place with these arguments and results. */
  old: number;
  new: number;
  /** Number of inputs with such a call. */
  inputs: number;
  readonly configurations: string[];
  example: Example;
}

/** Number of entries that examples show around a difference. */
const CONTEXT = 3;
/** Maximum number of entries in an example. */
const EXAMPLE_LINES = 60;
/** Maximum size of the comparison table. Beyond it, the order of entries is ignored. */
const TABLE_SIZE = 4_000_000;

/** The entries of two recordings, in order, each marked as part of one recording or of both. */
export function diff(old: readonly Entry[], now: readonly Entry[]): Line[] {
  let start = 0;
  while (start < old.length && old[start] === now[start]) start++;
  let same = 0;
  while (same < Math.min(old.length, now.length) - start && old.at(-1 - same) === now.at(-1 - same)) same++;
  const both = (entries: readonly Entry[]) => entries.map((entry): Line => ({ side: "both", entry }));
  const [oldEnd, nowEnd] = [old.length - same, now.length - same];
  return [
    ...both(old.slice(0, start)),
    ...middle(old.slice(start, oldEnd), now.slice(start, nowEnd)),
    ...both(old.slice(oldEnd)),
  ];
}

/** Compares two recordings by their longest common subsequence. */
function middle(old: readonly Entry[], now: readonly Entry[]): Line[] {
  if (old.length * now.length > TABLE_SIZE) return unordered(old, now);
  const width = now.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        old[i] === now[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const lines: Line[] = [];
  for (let i = 0, j = 0; i < old.length || j < now.length;) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ side: "both", entry: old[i++] });
      j++;
    } else if (j === now.length || (i < old.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      lines.push({ side: "old", entry: old[i++] });
    } else {
      lines.push({ side: "new", entry: now[j++] });
    }
  }
  return lines;
}

/** The entries that one recording has more often than the other. Omits entries that differ only in their order. */
function unordered(old: readonly Entry[], now: readonly Entry[]): Line[] {
  const left = new Map<Entry, number>();
  for (const entry of now) left.set(entry, (left.get(entry) ?? 0) + 1);
  const lines: Line[] = [];
  for (const entry of old) {
    const count = left.get(entry) ?? 0;
    if (count === 0) lines.push({ side: "old", entry });
    else left.set(entry, count - 1);
  }
  for (const [entry, count] of left) for (let i = 0; i < count; i++) lines.push({ side: "new", entry });
  // The recordings contain the same entries, so only the order differs.
  return lines.length > 0 ? lines : [{ side: "new", entry: "order of calls\tof a long recording" }];
}

/** Counts differences by kind. */
export class Tally {
  readonly #kinds = new Map<string, KindCount>();

  /** All counts, the earliest example first. */
  get kinds(): KindCount[] {
    return [...this.#kinds.values()].sort((a, b) => order(a.example, b.example) || (a.kind < b.kind ? -1 : 1));
  }

  /** Compares the recordings of one input. */
  compare(old: readonly Entry[], now: readonly Entry[], place: () => Omit<Example, "lines">): void {
    if (old.length === now.length && old.every((entry, index) => entry === now[index])) return;
    const lines = diff(old, now);
    const counts = new Map<string, KindCount>();
    lines.forEach(({ side, entry }, index) => {
      if (side === "both") return;
      const kind = kindOf(entry);
      let count = counts.get(kind);
      if (count === undefined) {
        const example = { ...place(), lines: around(lines, index) };
        count = { kind, old: 0, new: 0, inputs: 1, configurations: [example.configuration], example };
        counts.set(kind, count);
      }
      count[side]++;
    });
    this.add([...counts.values()]);
  }

  /** Adds the counts of another tally. */
  add(kinds: readonly KindCount[]): void {
    for (const added of kinds) {
      const count = this.#kinds.get(added.kind);
      if (count === undefined) {
        this.#kinds.set(added.kind, added);
        continue;
      }
      count.old += added.old;
      count.new += added.new;
      count.inputs += added.inputs;
      for (const name of added.configurations) {
        if (!count.configurations.includes(name)) count.configurations.push(name);
      }
      if (order(added.example, count.example) < 0) count.example = added.example;
    }
  }
}

function order(one: Example, other: Example): number {
  return one.job - other.job || one.input - other.input;
}

/** The lines around the first difference of a kind, including further differences that are close to each other. */
function around(lines: readonly Line[], first: number): Line[] {
  const from = Math.max(0, first - CONTEXT);
  let to = first;
  for (let i = first; i < lines.length && i - to <= CONTEXT; i++) if (lines[i].side !== "both") to = i;
  return lines.slice(from, Math.min(to + CONTEXT + 1, from + EXAMPLE_LINES));
}
