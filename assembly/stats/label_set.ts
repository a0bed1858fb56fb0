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

/** A name with its label value. */
class Entry {
  name: Bytes;
  /** The label value of the name. */
  label: Bytes;

  constructor(
    at: usize,
    length: i32,
    /** The operator configured the name or the server listed it. */
    public isKnown: bool,
    isCaller: bool,
  ) {
    this.name = Bytes.copy(at, length);
    this.label = isCaller ? callerValue(at, length) : labelValue(at, length);
  }
}

/**
 * The values of a label. Each name gets its own index until the set is full, so that untrusted callers cannot create
 * any number of metrics. Most slots are reserved for names that the operator configured or the server listed. A name
 * known only from a successful call gets one of the others. All workers share the set through a list in the store, of
 * which this is a copy. Finding a name in the copy needs no access to the store.
 */
export class LabelSet {
  private entries: Entry[] = [];
  private byHash: Table = new Table(64);
  private unreservedLeft: i32;
  /** No more names can be added. */
  private isFull: bool;

  /**
   * @param capacity number of names besides `_OTHER`
   * @param reserved number of these slots reserved for known names
   * @param isOfCallers the names are those of callers
   */
  constructor(
    private capacity: i32,
    reserved: i32,
    private list: NameList,
    private isOfCallers: bool = false,
  ) {
    this.unreservedLeft = capacity - reserved;
    this.isFull = capacity == 0;
  }

  /** The index of the name; {@link OTHER_INDEX} if it has none. */
  find(at: usize, length: i32): i32 {
    const index = this.findInCopy(at, length);
    if (index != OTHER_INDEX || this.isFull || length == 0 || length > NAME_LIMIT) return index;
    this.copyList();
    return this.findInCopy(at, length);
  }

  /** The index of the name with this {@link keyedHash}; {@link OTHER_INDEX} if it has none. */
  findKey(key: u64): i32 {
    const index = this.findKeyInCopy(key);
    if (index != OTHER_INDEX || this.isFull || key == 0) return index;
    this.copyList();
    return this.findKeyInCopy(key);
  }

  /** The index of the name with this {@link keyedHash} in the copy, without access to the store; {@link OTHER_INDEX}
   *  if it is missing. A name that another worker has admitted since {@link refresh} is missing. */
  findKeyInCopy(key: u64): i32 {
    return key ? <i32>this.byHash.get(key) : OTHER_INDEX;
  }

  /** Updates the copy from the store. */
  refresh(): void {
    if (!this.isFull) this.copyList();
  }

  /** The index of the name, which is added if there is a slot for it; otherwise {@link OTHER_INDEX}. `isKnown`: the
   *  operator configured the name or the server listed it. */
  admit(at: usize, length: i32, isKnown: bool): i32 {
    const index = this.findInCopy(at, length);
    if (index != OTHER_INDEX && (!isKnown || this.entry(index).isKnown)) return index;
    // Once the set is full, a list of thousands of names must not cause as many accesses to the store.
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

  /** The label value of this index. An index missing in the list, from a worker with another configuration, has the
   *  value `_OTHER`. */
  label(index: i32): Bytes {
    if (index > this.entries.length) this.copyList();
    return index <= OTHER_INDEX || index > this.entries.length ? other : this.entry(index).label;
  }

  private entry(index: i32): Entry {
    return this.entries[index - 1];
  }

  /** The index of the name in the copy, without access to the store; {@link OTHER_INDEX} if it is missing. */
  findInCopy(at: usize, length: i32): i32 {
    const index = <i32>this.byHash.get(keyedHash(at, length));
    if (index == 0) return OTHER_INDEX;
    const entry = this.entry(index);
    return entry.name.equals(at, length) ? index : OTHER_INDEX;
  }

  /** Updates the copy from the list, which stays loaded. */
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

  /** Marks as known a name that was admitted for a successful call and is now listed. This frees its unreserved
   *  slot. */
  private noteKnown(index: i32): void {
    this.entry(index).isKnown = true;
    this.unreservedLeft++;
  }

  /** Marks a name as known in the list. Returns false if another worker changed the list first. */
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
