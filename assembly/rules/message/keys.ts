import { foldsTo } from "../../json/folded_name";
import { Bytes, lower } from "../../memory/bytes";

/** Maximum number of deciding members of a message. */
export const SLOT_LIMIT: i32 = 67;

/** A deciding member of messages, and the deciding members inside it. */
export class Key {
  readonly name: Bytes;
  readonly inside: Key[] = [];
  /** The lower-case first byte of the name of each member in `inside`; 0 for an empty name. */
  private firsts: u8[] = [];
  /** The value may be a list of strings, which are kept. */
  isList: bool = false;
  /** The member decides nothing: no form of it is rejected, and its value is kept if it is a short string. */
  isObserved: bool = false;

  /**
   * @param slot where the value is kept; less than {@link SLOT_LIMIT}
   * @param parent address of the key of the object around the member; 0 for the message itself
   */
  constructor(
    name: string,
    readonly slot: i32,
    readonly parent: usize,
  ) {
    this.name = Bytes.of(name);
  }

  /** The names on the path to this member, separated by dots: `params.name`. */
  get path(): string {
    const name = String.UTF8.decodeUnsafe(this.name.at, this.name.length);
    const parent = changetype<Key>(this.parent);
    return this.parent && parent.name.length ? parent.path + "." + name : name;
  }

  /** Adds a member inside this one. */
  add(name: string, slot: i32): Key {
    const key = new Key(name, slot, changetype<usize>(this));
    this.inside.push(key);
    this.firsts.push(firstOf(key.name.at, key.name.length));
    return key;
  }

  /** The member inside this one with exactly this name; null if there is none. */
  named(name: string): Key | null {
    const bytes = String.UTF8.encode(name);
    for (let i = 0; i < this.inside.length; i++) {
      if (this.inside[i].name.equals(changetype<usize>(bytes), bytes.byteLength)) return this.inside[i];
    }
    return null;
  }

  /** The member inside this one with this name, ignoring case; null if there is none. */
  find(at: usize, length: i32): Key | null {
    const inside = this.inside;
    const firsts = this.firsts;
    const first = firstOf(at, length);
    for (let i = 0; i < inside.length; i++) {
      // Letters beyond ASCII may fold to ASCII letters.
      if (unchecked(firsts[i]) != first && first < 0x80) continue;
      const key = unchecked(inside[i]);
      if (foldsTo(at, length, key.name)) return key;
    }
    return null;
  }
}

/** The lower-case first byte of a name; 0 for an empty name. */
function firstOf(at: usize, length: i32): u8 {
  return length ? lower(load<u8>(at)) : 0;
}
