import { Bytes, lower } from "../../memory/bytes";

/** The least bytes that a UTF-8 letter takes which folds to an ASCII one: U+017F to `s`, U+212A to `k`. */
const LONG_S: u16 = 0xbfc5;
const KELVIN_0: u8 = 0xe2;
const KELVIN_1: u8 = 0x84;
const KELVIN_2: u8 = 0xaa;

/** Members of a message that may be deciding. */
export const SLOT_LIMIT: i32 = 64;

/** A deciding member of messages, and those inside it. */
export class Key {
  readonly name: Bytes;
  readonly inside: Key[] = [];

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
    for (let i = 0; i < inside.length; i++) {
      const key = unchecked(inside[i]);
      if (foldsTo(at, length, key.name)) return key;
    }
    return null;
  }
}

/** Whether a name is the same as `name` but for the case of letters, as Go's encoding/json compares them: by Unicode's
 *  simple folding, which takes two letters beyond ASCII to ASCII ones. */
function foldsTo(at: usize, length: i32, name: Bytes): bool {
  const own = name.at;
  const size = name.length;
  if (length < size) return false;
  let i = 0;
  for (let j = 0; j < size; j++) {
    if (i >= length) return false;
    const wanted = lower(load<u8>(own + j));
    const byte = load<u8>(at + i);
    if (lower(byte) == wanted) i++;
    else if (wanted == 0x73 && i + 2 <= length && load<u16>(at + i) == LONG_S) i += 2;
    else if (wanted == 0x6b && i + 3 <= length && isKelvin(at + i)) i += 3;
    else return false;
  }
  return i == length;
}

function isKelvin(at: usize): bool {
  return load<u8>(at) == KELVIN_0 && load<u8>(at, 1) == KELVIN_1 && load<u8>(at, 2) == KELVIN_2;
}
