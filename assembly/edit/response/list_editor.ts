import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { EditJudge } from "./edit_judge";
import { ELEMENT_NAME_SIZE, ElementName } from "./element_name";
import { Emitter, Held, Mode } from "./emitter";
import { ListElement } from "./list_element";
import { ListKind } from "./list_kind";

/** The current position in the list. */
enum Place {
  /** Between elements. */
  List,
  Element,
  /** In the value of the member that names the element. */
  Name,
  /** In an element that is an array. */
  Array,
}

const element = new ListElement();

/**
 * Removes elements from a list of definitions as it passes. With each it removes the comma before it, or the one after
 * it if no earlier element stays. Holds an element until its end, because only then can no further member contradict
 * its name. Part of a {@link MessageEditor}.
 */
@unmanaged
export class ListEditor {
  private place: Place;
  private kind: ListKind;
  /** Elements are removed, rather than only read. */
  private isEdited: bool;
  /** An element before the current one stays. */
  private hasKept: bool;
  /** The current element is too large to be held and is dropped. */
  private isTooLarge: bool;
  /** Number of open containers in an element that is an array. */
  private depth: u32;

  /** Begins a list of this kind, after its opening bracket. */
  begin(kind: ListKind, isEdited: bool, emitter: Emitter): void {
    this.kind = kind;
    this.isEdited = isEdited;
    this.hasKept = false;
    this.beginBetween(emitter);
  }

  /** Handles the next token. Returns false if it ends the list. */
  handle(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): bool {
    switch (this.place) {
      case Place.List:
        return this.handleElement(token, tokens, emitter, judge);
      case Place.Element:
        if (token == Token.ObjectEnd) this.endElement(tokens, emitter, judge, true);
        else if (this.name.isNamedBy(tokens)) this.place = Place.Name;
        else tokens.skipValue();
        return true;
      case Place.Name:
        this.name.read(token, tokens);
        if (token == Token.ObjectStart || token == Token.ArrayStart) tokens.skipContainer();
        this.place = Place.Element;
        return true;
      default:
        if (token == Token.ObjectStart || token == Token.ArrayStart) this.depth++;
        else if ((token == Token.ObjectEnd || token == Token.ArrayEnd) && --this.depth == 0) {
          this.endElement(tokens, emitter, judge, true);
        }
        return true;
    }
  }

  /** Handles that too many bytes are held. */
  overflow(emitter: Emitter): void {
    if (!this.isEdited) return;
    if (this.place == Place.List) return emitter.shorten();
    if (!this.isTooLarge) emitter.reject(Mode.Drop);
    this.isTooLarge = true;
  }

  private handleElement(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): bool {
    if (token == Token.ArrayEnd) {
      emitter.moveTo(emitter.addressOf(tokens.tokenStart));
      emitter.release();
      return false;
    }
    this.name.begin(this.kind);
    if (token == Token.ObjectStart || token == Token.ArrayStart) {
      emitter.moveTo(emitter.addressOf(tokens.tokenStart));
      if (this.isEdited) emitter.beginHold(Held.Candidate);
      else emitter.beginCopy();
      this.depth = 1;
      this.place = token == Token.ObjectStart ? Place.Element : Place.Array;
      if (token == Token.ArrayStart) this.name.refuse();
    } else {
      this.name.refuse();
      this.endElement(tokens, emitter, judge, false);
    }
    return true;
  }

  /** Ends the current element. `hasText`: it is a container. */
  private endElement(tokens: Tokenizer, emitter: Emitter, judge: EditJudge, hasText: bool): void {
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    this.name.describe(element);
    const isTooLarge = this.isTooLarge || emitter.isOverfull;
    element.at = hasText && !isTooLarge ? emitter.textAt : 0;
    element.length = element.at ? emitter.textLength : 0;
    const isWithheld = judge.withholds(element) || isTooLarge || !element.isClear;
    if (this.isEdited && !this.isTooLarge) {
      if (isWithheld) {
        emitter.reject(Mode.Pass);
      } else {
        emitter.release(this.hasKept);
        this.hasKept = true;
      }
    }
    this.beginBetween(emitter);
  }

  private beginBetween(emitter: Emitter): void {
    emitter.beginBetween(this.isEdited);
    this.isTooLarge = false;
    this.place = Place.List;
  }

  private get name(): ElementName {
    return changetype<ElementName>(changetype<usize>(this) + NAME_AT);
  }
}

const NAME_AT: usize = (offsetof<ListEditor>() + 7) & ~7;
/** Size in bytes of a list editor with its parts. */
export const LIST_EDITOR_SIZE: usize = NAME_AT + ELEMENT_NAME_SIZE;
