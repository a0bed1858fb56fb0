import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { IdKind, alikeHash, alikeKind, idHash, idKind } from "../../jsonrpc/id";
import { EditJudge } from "./edit_judge";
import { Emitter, Held, Mode } from "./emitter";

/**
 * Replaces the error in the server's response to a request that the gate has rewritten, because the server does not
 * know the reason. Holds the error until the id is known. Part of a {@link MessageEditor}.
 */
@unmanaged
export class ErrorEditor {
  private isIdKnown: bool;
  private idKind: IdKind;
  private idHash: u64;
  /** Hash of the id of the other kind (number or string) that clients treat as the same; 0 for none. */
  private alike: u64;
  /** The value of the error has begun. */
  private isInError: bool;
  /** The error and the bytes after it are held. */
  isHeld: bool;

  /** Begins a message. */
  begin(): void {
    this.isIdKnown = false;
    this.isInError = false;
    this.isHeld = false;
  }

  /** Reads the id. */
  handleId(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): void {
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

  /** Handles the key of the error: captures its value. */
  beginError(tokens: Tokenizer): void {
    this.isInError = false;
    tokens.captureValue();
  }

  /** Handles bytes of the error. */
  handleError(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): void {
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

  /** Whether the gate has rewritten the request of the id, which a server may write as a number or as a string.
   *  Checked only for errors, because it may need a lookup in shared data. */
  private isRejected(judge: EditJudge): bool {
    const kind = this.idKind;
    if (kind != IdKind.String && kind != IdKind.Number) return false;
    if (judge.rejects(kind, this.idHash)) return true;
    return this.alike != 0 && judge.rejects(alikeKind(kind), this.alike);
  }

  /** Passes the held bytes, because the message has ended or too many are held. */
  end(emitter: Emitter): void {
    if (this.isHeld) emitter.release();
    this.isHeld = false;
  }
}

/** Size in bytes of an error editor. */
export const ERROR_EDITOR_SIZE: usize = (offsetof<ErrorEditor>() + 7) & ~7;
