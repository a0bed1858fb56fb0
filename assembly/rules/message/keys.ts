import { foldsTo } from "../../json/folded_name";
import { Bytes, lower } from "../../memory/bytes";

/** Members of a message that may be deciding. */
export const SLOT_LIMIT: i32 = 67;

/** A deciding member of messages, and those inside it. */
export class Key {
  readonly name: Bytes;
  readonly inside: Key[] = [];
  /** The first byte of the name of each of these, in lower case; 0 where it has none. */
  private firsts: u8[] = [];
  /** Its value may be a list of texts, which are kept. */
  isList: bool = false;
  /** Nothing is decided by it: no form of it is refused, and its value is kept if it is a short text. */
  isObserved: bool = false;

  /** @param slot where its value is kept: less than {@link SLOT_LIMIT}.
   *  @param parent the address of what it stands in, 0 for the message itself. */
  constructor(
    name: string,
    readonly slot: i32,
    readonly parent: usize,
  ) {
    this.name = Bytes.of(name);
  }

  /** The names of the members on the way to this one, with dots between them: `params.name`. */
  get path(): string {
    const name = String.UTF8.decodeUnsafe(this.name.at, this.name.length);
    const parent = changetype<Key>(this.parent);
    return this.parent && parent.name.length ? parent.path + "." + name : name;
  }

  /** Adds a member inside. */
  add(name: string, slot: i32): Key {
    const key = new Key(name, slot, changetype<usize>(this));
    this.inside.push(key);
    this.firsts.push(firstOf(key.name.at, key.name.length));
    return key;
  }

  /** The member inside of exactly this name; null where there is none. */
  named(name: string): Key | null {
    const bytes = String.UTF8.encode(name);
    for (let i = 0; i < this.inside.length; i++) {
      if (this.inside[i].name.equals(changetype<usize>(bytes), bytes.byteLength)) return this.inside[i];
    }
    return null;
  }

  /** The member inside that has this name, whatever the case of its letters; null where none does. */
  find(at: usize, length: i32): Key | null {
    const inside = this.inside;
    const firsts = this.firsts;
    const first = firstOf(at, length);
    for (let i = 0; i < inside.length; i++) {
      // Letters beyond ASCII may fold to others.
      if (unchecked(firsts[i]) != first && first < 0x80) continue;
      const key = unchecked(inside[i]);
      if (foldsTo(at, length, key.name)) return key;
    }
    return null;
  }
}

/** The first byte of a name, in lower case; 0 of an empty one. */
function firstOf(at: usize, length: i32): u8 {
  return length ? lower(load<u8>(at)) : 0;
}
