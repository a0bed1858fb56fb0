import { hashBytes } from "../memory/bytes";
import { Table } from "../memory/table";

/** The label value of all names that got none of their own. */
export const OTHER = "_OTHER";
/** Its index in every {@link LabelSet}. */
export const OTHER_INDEX: i32 = 0;

/** A name as metrics show it: `length` bytes at `at`, which live for ever. */
@unmanaged
class Entry {
  at: usize;
  length: i32;
  /** As it stands in labels. */
  label: usize;
  /** It holds one of the slots that names known by success alone may have. */
  unreserved: bool;
}

/**
 * The values that a label may have: names get an index of their own until the set is full, so that strangers cannot
 * mint metrics. Most slots are reserved for names that the operator configured or the server listed; a name known by
 * success alone gets one of the rest.
 */
export class LabelSet {
  private entries: StaticArray<usize>;
  private byHash: Table = new Table(64);
  private count: i32 = 1;
  private unreservedLeft: i32;

  /** @param capacity names besides `_OTHER`.
   *  @param reserved how many of these slots are for known names. */
  constructor(
    private capacity: i32,
    reserved: i32,
  ) {
    this.entries = new StaticArray<usize>(capacity + 1);
    this.unreservedLeft = capacity - reserved;
  }

  /** The index of the name, {@link OTHER_INDEX} where it has none. */
  find(at: usize, length: i32): i32 {
    const index = <i32>this.byHash.get(keyOf(at, length));
    if (index == 0) return OTHER_INDEX;
    const entry = changetype<Entry>(this.entries[index]);
    return entry.length == length && memory.compare(entry.at, at, length) == 0 ? index : OTHER_INDEX;
  }

  /** The index of the name, which gets one if there is a slot for it. `isKnown`: the operator configured it or the
   *  server listed it. */
  admit(at: usize, length: i32, isKnown: bool): i32 {
    const key = keyOf(at, length);
    if (length == 0) return OTHER_INDEX;
    if (this.byHash.get(key)) {
      const index = this.find(at, length);
      if (index != OTHER_INDEX && isKnown) this.reserve(changetype<Entry>(this.entries[index]));
      return index;
    }
    if (this.count > this.capacity || (!isKnown && this.unreservedLeft == 0)) return OTHER_INDEX;
    if (!isKnown) this.unreservedLeft--;
    const entry = changetype<Entry>(heap.alloc(offsetof<Entry>()));
    entry.at = heap.alloc(length);
    memory.copy(entry.at, at, length);
    entry.length = length;
    entry.label = labelOf(at, length);
    entry.unreserved = !isKnown;
    const index = this.count++;
    this.entries[index] = changetype<usize>(entry);
    this.byHash.set(key, index);
    return index;
  }

  /** The bytes that stand for the name in labels: as many as the name has. */
  labelAt(index: i32): usize {
    return changetype<Entry>(this.entries[index]).label;
  }

  /** Bytes of the name, and of its label. */
  labelLength(index: i32): i32 {
    return changetype<Entry>(this.entries[index]).length;
  }

  /** A name known by success has been listed: its slot is free for another such. */
  private reserve(entry: Entry): void {
    if (!entry.unreserved) return;
    entry.unreserved = false;
    this.unreservedLeft++;
  }
}

/** A copy of the name in which every byte that could be mistaken in an encoded metric name or by an exposition format is
 *  an underscore: letters, digits and `_ - . / : @ +` stay. */
function labelOf(at: usize, length: i32): usize {
  const label = heap.alloc(length);
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    store<u8>(label + i, isPlain(byte) ? byte : 0x5f);
  }
  return label;
}

function isPlain(byte: u8): bool {
  if (<u8>((byte | 0x20) - 0x61) < 26) return true;
  // `-` `.` `/`, the digits and `:`
  if (byte >= 0x2d && byte <= 0x3a) return true;
  return byte == 0x5f || byte == 0x40 || byte == 0x2b;
}

function keyOf(at: usize, length: i32): u64 {
  return hashBytes(at, length) | 1;
}
