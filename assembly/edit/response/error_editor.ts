import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { IdKind, alikeHash, alikeKind, idHash, idKind } from "../../jsonrpc/id";
import { EditJudge } from "./edit_judge";
import { Emitter, Held, Mode } from "./emitter";

/** Replaces the error by which a server answers a request that the gate has rewritten, since it does not say why. It is held as long
 *  as the id is not known. Part of a {@link MessageEditor}. */
@unmanaged
export class ErrorEditor {
  private isIdKnown: bool;
  private idKind: IdKind;
  private idHash: u64;
  /** The hash of the id of the other kind that clients take for the same; 0 for none. */
  private alike: u64;
  /** The value of the error has begun. */
  private isInError: bool;
  /** It is held, with what follows. */
  isHeld: bool;

  /** A message begins. */
  begin(): void {
    this.isIdKnown = false;
    this.isInError = false;
    this.isHeld = false;
  }

  /** The id has been read. */
  takeId(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): void {
    if (token == Token.ObjectStart || token == Token.ArrayStart) return tokens.skipContainer();
    this.keepId(token, tokens);
    if (!this.isHeld) return;
    this.isHeld = false;
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    if (this.isRejected(judge)) emitter.replace(judge.error, judge.errorLength);
    else emitter.release();
  }

  private keepId(token: Token, tokens: Tokenizer): void {
    const kind = idKind(token);
    const at = tokens.textAt;
    const length = tokens.textLength;
    const total = tokens.textTotal;
    this.isIdKnown = true;
    this.idKind = kind;
    if (kind != IdKind.String && kind != IdKind.Number) return;
    this.idHash = idHash(kind, at, length, total);
    this.alike = alikeHash(kind, this.idHash, at, length, total);
  }

  /** The key of the error has been read: its value is captured. */
  beginError(tokens: Tokenizer): void {
    this.isInError = false;
    tokens.captureValue();
  }

  /** Bytes of the error. */
  takeError(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): void {
    if (!this.isInError) {
      this.isInError = true;
      emitter.moveTo(emitter.addressOf(tokens.tokenStart));
      if (this.isIdKnown && this.isRejected(judge)) {
        emitter.insert(judge.error, judge.errorLength);
        emitter.mode = Mode.Drop;
      } else if (!this.isIdKnown) {
        emitter.beginHold(Held.Replaceable);
        this.isHeld = true;
      }
    }
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    if (token != Token.LastPart) return;
    if (this.isHeld) emitter.endCandidate();
    else emitter.mode = Mode.Pass;
  }

  /** Whether the gate has rewritten the request of the id, which servers may write as a number or as its text. Asked only about
   *  errors, since the answer may have to be looked up in what workers share. */
  private isRejected(judge: EditJudge): bool {
    const kind = this.idKind;
    if (kind != IdKind.String && kind != IdKind.Number) return false;
    if (judge.rejects(kind, this.idHash)) return true;
    return this.alike != 0 && judge.rejects(alikeKind(kind), this.alike);
  }

  /** The message is over, or more is held than may be: what is held passes. */
  end(emitter: Emitter): void {
    if (this.isHeld) emitter.release();
    this.isHeld = false;
  }
}

/** Bytes of an error editor. */
export const ERROR_EDITOR_SIZE: usize = (offsetof<ErrorEditor>() + 7) & ~7;
