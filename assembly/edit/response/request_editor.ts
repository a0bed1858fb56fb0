import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { permanentBytes } from "../../memory/bytes";
import { EditJudge } from "./edit_judge";
import { Emitter, Held, Mode } from "./emitter";

/** The method in place of a denied one: clients answer that they do not know it. */
const DENIED = '"denied/by-policy"';
const DENIED_METHOD = permanentBytes(DENIED);
const NO_PARAMS = permanentBytes("{}");

/**
 * Edits a request of the server that the client must not see: replaces its method by one that no client knows, so that the client
 * answers the server with an error, and empties its params. The params are held as long as the method is not known. Part of a
 * {@link MessageEditor}.
 */
@unmanaged
export class RequestEditor {
  /** Requests are edited, rather than only read. */
  private isEdited: bool;
  private isDecided: bool;
  private isDenied: bool;
  /** Its params were too large to be held, and have been left out. */
  private hasLostParams: bool;
  /** The value of the params has begun. */
  private isInParams: bool;

  /** What follows may be a request. */
  begin(isEdited: bool): void {
    this.isEdited = isEdited;
    this.isDecided = false;
    this.isDenied = false;
    this.hasLostParams = false;
    this.isInParams = false;
  }

  /** The key of the method has been read. */
  beginMethod(tokens: Tokenizer, emitter: Emitter): void {
    if (!this.isEdited || emitter.mode == Mode.Hold) return;
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    emitter.beginHold(Held.Rest);
  }

  /** The value of the method has been read, or begins. */
  takeMethod(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): void {
    const isText = token == Token.String;
    const isDenied = isText && judge.deniesServerRequest(tokens.textAt, tokens.textLength);
    if (!isText && (token == Token.ObjectStart || token == Token.ArrayStart)) tokens.skipContainer();
    if (!this.isEdited) return;
    this.isDecided = isText;
    if (isDenied || (isText && this.hasLostParams)) {
      const before = emitter.heldBefore(tokens.tokenStart);
      emitter.moveTo(emitter.addressOf(tokens.tokenStart));
      emitter.reclaim(before);
      emitter.leaveOut(emitter.addressOf(tokens.tokenEnd));
      emitter.insert(DENIED_METHOD, DENIED.length);
      emitter.reject(Mode.Pass);
      this.isDenied = true;
    } else if (isText) {
      emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
      emitter.release();
    }
  }

  /** The key of the params has been read: {@link takeParams} reads their value, where it matters. */
  beginParams(tokens: Tokenizer): void {
    if (!this.isEdited || (this.isDecided && !this.isDenied)) return tokens.skipValue();
    this.isInParams = false;
    tokens.captureValue();
  }

  /** Bytes of the params. */
  takeParams(token: Token, tokens: Tokenizer, emitter: Emitter): void {
    if (!this.isInParams) {
      this.isInParams = true;
      emitter.moveTo(emitter.addressOf(tokens.tokenStart));
      if (this.isDenied) emitter.mode = Mode.Drop;
      else emitter.beginHold(Held.Candidate);
    }
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    if (emitter.mode == Mode.Hold && emitter.isOverfull) this.dropParams(emitter);
    if (token != Token.LastPart) return;
    if (emitter.mode == Mode.Hold) emitter.endCandidate();
    emitter.insert(NO_PARAMS, 2);
    if (emitter.mode == Mode.Drop) emitter.mode = Mode.Pass;
  }

  /** It is over, or turns out to be no request: what is held of it passes. */
  end(emitter: Emitter): void {
    if (emitter.mode == Mode.Hold) emitter.release();
  }

  /** More is held than may be, or an answer's member follows the params: they are left out, whatever the method is. */
  dropParams(emitter: Emitter): void {
    this.hasLostParams = true;
    emitter.reject(emitter.held == Held.Candidate ? Mode.Drop : Mode.Pass);
  }
}

/** Bytes of a request editor. */
export const REQUEST_EDITOR_SIZE: usize = (offsetof<RequestEditor>() + 7) & ~7;
