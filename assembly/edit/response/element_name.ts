import { foldsTo } from "../../json/folded_name";
import { TEXT_LIMIT } from "../../json/text";
import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { Utf8Check } from "../../json/utf8";
import { Bytes } from "../../memory/bytes";
import { ListElement } from "./list_element";
import { ListKind } from "./list_kind";

/** The members by which clients ask for elements, by the kind of the list (2026-07-28, schema.ts). */
const MEMBERS: Bytes[] = [Bytes.of("name"), Bytes.of("name"), Bytes.of("uri"), Bytes.of("uriTemplate")];

/**
 * Reads what clients ask for an element of a list by, and whether all of them read the same: parsers differ about members that
 * come twice or that differ by case, and about texts that are no Unicode. Part of a {@link ListEditor}; the text lies behind it.
 */
@unmanaged
export class ElementName {
  private kind: ListKind;
  private count: i32;
  private isOdd: bool;
  private length: i32;
  private total: u32;

  /** Another element of a list of this kind begins. */
  begin(kind: ListKind): void {
    this.kind = kind;
    this.count = 0;
    this.isOdd = false;
    this.length = 0;
    this.total = 0;
  }

  /** The element is no object. */
  refuse(): void {
    this.isOdd = true;
  }

  /** A key of the element has been read. Whether its value is the name. */
  isNamedBy(tokens: Tokenizer): bool {
    const at = tokens.textAt;
    const length = tokens.textLength;
    const member = unchecked(MEMBERS[this.kind]);
    if (tokens.textTotal > TEXT_LIMIT || !foldsTo(at, length, member)) return false;
    if (!member.equals(at, length) || ++this.count > 1) this.isOdd = true;
    return true;
  }

  /** The value that has been read, or begins, is the name. */
  read(token: Token, tokens: Tokenizer): void {
    if (token != Token.String || tokens.textLossy || !isPlain(tokens.textAt, tokens.textLength)) {
      this.isOdd = true;
      return;
    }
    this.length = tokens.textLength;
    this.total = tokens.textTotal;
    memory.copy(this.at, tokens.textAt, this.length);
    // What is cut may be cut inside of a character.
    if (<u32>this.length == this.total && !isUtf8(this.at, this.length)) this.isOdd = true;
  }

  /** Describes the element by what was read. */
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

/** Bytes of an {@link ElementName} and its text. */
export const ELEMENT_NAME_SIZE: usize = (offsetof<ElementName>() + <usize>TEXT_LIMIT + 7) & ~7;

const utf8 = changetype<Utf8Check>(heap.alloc(offsetof<Utf8Check>()));

function isUtf8(at: usize, length: i32): bool {
  utf8.reset();
  return utf8.feed(at, length) && utf8.isComplete;
}

/** Whether there is no NUL, at which some would end the text. */
function isPlain(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(at + i) == 0) return false;
  }
  return true;
}
