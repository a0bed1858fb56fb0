import { Bytes } from "../memory/bytes";
import { keyedHash } from "../memory/keyed_hash";
import { Table } from "../memory/table";
import { NAME_LIMIT, NameList } from "../store/primitives/name_list";
import { ATTEMPTS } from "../store/primitives/store";
import { callerValue } from "./caller_value";
import { OTHER, labelValue } from "./label_value";

/** The index of `_OTHER` in every {@link LabelSet}. */
export const OTHER_INDEX: i32 = 0;

const other = Bytes.of(OTHER);

/** A name as metrics show it. */
class Entry {
  name: Bytes;
  /** As labels show it. */
  label: Bytes;

  constructor(
    at: usize,
    length: i32,
    /** The operator configured it or the server listed it. */
    public isKnown: bool,
    isCaller: bool,
  ) {
    this.name = Bytes.copy(at, length);
    this.label = isCaller ? callerValue(at, length) : labelValue(at, length);
  }
}

/**
 * The values that a label may have: names get an index of their own until the set is full, so that untrusted callers
 * cannot create metrics. Most slots are reserved for names that the operator configured or the server listed; a name
 * known by success alone gets one of the rest. All workers share the set, through a list in the store of which this is a
 * copy: a name that is in the copy costs no look-up there.
 */
export class LabelSet {
  private entries: Entry[] = [];
  private byHash: Table = new Table(64);
  private unreservedLeft: i32;
  /** No name can join any more. */
  private isFull: bool;

  /** @param capacity names besides `_OTHER`.
   *  @param reserved how many of these slots are for known names.
   *  @param isOfCallers the names are those of callers. */
  constructor(
    private capacity: i32,
    reserved: i32,
    private list: NameList,
    private isOfCallers: bool = false,
  ) {
    this.unreservedLeft = capacity - reserved;
    this.isFull = capacity == 0;
  }

  /** The index of the name, {@link OTHER_INDEX} where it has none. */
  find(at: usize, length: i32): i32 {
    const index = this.findInCopy(at, length);
    if (index != OTHER_INDEX || this.isFull || length == 0 || length > NAME_LIMIT) return index;
    this.copyList();
    return this.findInCopy(at, length);
  }

  /** The index of the name with this {@link keyedHash}; {@link OTHER_INDEX} where it has none. */
  findKey(key: u64): i32 {
    const index = this.findKeyInCopy(key);
    if (index != OTHER_INDEX || this.isFull || key == 0) return index;
    this.copyList();
    return this.findKeyInCopy(key);
  }

  /** Like {@link findKey}, without a look-up in the store: a name that another worker has admitted since {@link refresh} is
   *  missing. */
  findKeyInCopy(key: u64): i32 {
    return key ? <i32>this.byHash.get(key) : OTHER_INDEX;
  }

  /** Brings the copy up to date with the store. */
  refresh(): void {
    if (!this.isFull) this.copyList();
  }

  /** The index of the name, which gets one if there is a slot for it. `isKnown`: the operator configured it or the
   *  server listed it. */
  admit(at: usize, length: i32, isKnown: bool): i32 {
    const index = this.findInCopy(at, length);
    if (index != OTHER_INDEX && (!isKnown || this.entry(index).isKnown)) return index;
    // A list of thousands of names must not bring as many look-ups once the set is full.
    if (index == OTHER_INDEX && this.isFull) return OTHER_INDEX;
    if (length == 0 || length > NAME_LIMIT) return OTHER_INDEX;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.copyList();
      const found = this.findInCopy(at, length);
      if (found != OTHER_INDEX) {
        if (!isKnown || this.entry(found).isKnown || this.makeKnown(found)) return found;
      } else {
        if (!this.list.hasRoom(length)) this.isFull = true;
        if (this.isFull) return OTHER_INDEX;
        if (!isKnown && this.unreservedLeft <= 0) return OTHER_INDEX;
        if (this.list.append(at, length, isKnown)) this.copyList();
      }
    }
    return this.findInCopy(at, length);
  }

  /** The name of this index as it is in labels. An index that is not in the list, from a worker with another configuration,
   *  is `_OTHER`'s. */
  label(index: i32): Bytes {
    if (index > this.entries.length) this.copyList();
    return index <= OTHER_INDEX || index > this.entries.length ? other : this.entry(index).label;
  }

  private entry(index: i32): Entry {
    return this.entries[index - 1];
  }

  /** Like {@link find}, without a look-up in the store. */
  findInCopy(at: usize, length: i32): i32 {
    const index = <i32>this.byHash.get(keyedHash(at, length));
    if (index == 0) return OTHER_INDEX;
    const entry = this.entry(index);
    return entry.name.equals(at, length) ? index : OTHER_INDEX;
  }

  /** Brings the copy up to date with the list, which stays loaded. */
  private copyList(): void {
    const list = this.list;
    list.open();
    for (let index = 1; index <= this.capacity && list.next(); index++) {
      if (index > this.entries.length) this.add(list);
      else if (list.isKnown && !this.entry(index).isKnown) this.noteKnown(index);
    }
  }

  private add(list: NameList): void {
    this.entries.push(new Entry(list.at, list.length, list.isKnown, this.isOfCallers));
    if (!list.isKnown) this.unreservedLeft--;
    this.byHash.set(keyedHash(list.at, list.length), this.entries.length);
    if (this.entries.length >= this.capacity) this.isFull = true;
  }

  /** A name known by success has been listed: its slot is free for another such. */
  private noteKnown(index: i32): void {
    this.entry(index).isKnown = true;
    this.unreservedLeft++;
  }

  /** Marks a name as known in the list. False where somebody was faster. */
  private makeKnown(index: i32): bool {
    this.list.open();
    for (let i = 0; i < index; i++) {
      if (!this.list.next()) return false;
    }
    if (!this.list.setKnown()) return false;
    this.noteKnown(index);
    return true;
  }
}
