import { foldsTo } from "../../json/folded_name";
import { TEXT_LIMIT } from "../../json/string_decoder";
import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { Utf8Validator } from "../../json/utf8";
import { Bytes } from "../../memory/bytes";
import { ListElement } from "./list_element";
import { ListKind } from "./list_kind";

/** The members by which clients refer to elements, indexed by the kind of list (2026-07-28, schema.ts). */
const MEMBERS: Bytes[] = [Bytes.of("name"), Bytes.of("name"), Bytes.of("uri"), Bytes.of("uriTemplate")];

/**
 * Reads the name by which clients refer to a list element, and whether all parsers agree on it. They differ on
 * duplicate members, on members that differ only by case, and on strings that are not valid Unicode. Part of a {@link
 * ListEditor}. The text follows the object in memory.
 */
@unmanaged
export class ElementName {
  private kind: ListKind;
  private count: i32;
  private isOdd: bool;
  private length: i32;
  private total: u32;

  /** Begins another element of a list of this kind. */
  begin(kind: ListKind): void {
    this.kind = kind;
    this.count = 0;
    this.isOdd = false;
    this.length = 0;
    this.total = 0;
  }

  /** Handles an element that is not an object. */
  refuse(): void {
    this.isOdd = true;
  }

  /** Handles a key of the element. Returns whether its value is the name. */
  isNamedBy(tokens: Tokenizer): bool {
    const at = tokens.textAt;
    const length = tokens.textLength;
    const member = unchecked(MEMBERS[this.kind]);
    if (tokens.textTotal > TEXT_LIMIT || !foldsTo(at, length, member)) return false;
    if (!member.equals(at, length) || ++this.count > 1) this.isOdd = true;
    return true;
  }

  /** Reads the name from its value, or from the value's first token. */
  read(token: Token, tokens: Tokenizer): void {
    if (token != Token.String || tokens.textLossy || !isPlain(tokens.textAt, tokens.textLength)) {
      this.isOdd = true;
      return;
    }
    this.length = tokens.textLength;
    this.total = tokens.textTotal;
    memory.copy(this.at, tokens.textAt, this.length);
    // A truncated name may end within a character.
    if (<u32>this.length == this.total && !isUtf8(this.at, this.length)) this.isOdd = true;
  }

  /** Writes the result to `element`. */
  describe(element: ListElement): void {
    element.kind = this.kind;
    element.isClear = !this.isOdd && this.count == 1;
    element.name = this.at;
    element.nameLength = this.length;
    element.isCut = this.total > <u32>this.length;
  }

  private get at(): usize {
    return changetype<usize>(this) + offsetof<ElementName>();
  }
}

/** Size in bytes of an {@link ElementName} with its text. */
export const ELEMENT_NAME_SIZE: usize = (offsetof<ElementName>() + <usize>TEXT_LIMIT + 7) & ~7;

const utf8 = changetype<Utf8Validator>(heap.alloc(offsetof<Utf8Validator>()));

function isUtf8(at: usize, length: i32): bool {
  utf8.reset();
  return utf8.feed(at, length) && utf8.isComplete;
}

/** Whether there is no NUL, at which some parsers end a text. */
function isPlain(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(at + i) == 0) return false;
  }
  return true;
}
