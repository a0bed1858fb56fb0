import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { permanentBytes } from "../../memory/bytes";
import { EditJudge } from "./edit_judge";
import { Emitter, Held, Mode } from "./emitter";

/** The method that replaces a denied one. Clients respond that they do not know it. */
const DENIED = '"denied/by-policy"';
const DENIED_METHOD = permanentBytes(DENIED);
const NO_PARAMS = permanentBytes("{}");

/**
 * Edits a server request that the client must not see: replaces its method by one that no client knows, so that the
 * client responds with an error, and empties its params. Holds the params until the method is known. Part of a {@link
 * MessageEditor}.
 */
@unmanaged
export class RequestEditor {
  /** Requests are edited, rather than only read. */
  private isEdited: bool;
  private isDecided: bool;
  private isDenied: bool;
  /** The params were too large to be held and were dropped. */
  private hasLostParams: bool;
  /** The value of the params has begun. */
  private isInParams: bool;

  /** Begins an object that may be a request. */
  begin(isEdited: bool): void {
    this.isEdited = isEdited;
    this.isDecided = false;
    this.isDenied = false;
    this.hasLostParams = false;
    this.isInParams = false;
  }

  /** Handles the key of the method. */
  beginMethod(tokens: Tokenizer, emitter: Emitter): void {
    if (!this.isEdited || emitter.mode == Mode.Hold) return;
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    emitter.beginHold(Held.Rest);
  }

  /** Handles the value of the method, or its first token. */
  handleMethod(token: Token, tokens: Tokenizer, emitter: Emitter, judge: EditJudge): void {
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

  /** Handles the key of the params: {@link handleParams} reads their value if the request may be denied. */
  beginParams(tokens: Tokenizer): void {
    if (!this.isEdited || (this.isDecided && !this.isDenied)) return tokens.skipValue();
    this.isInParams = false;
    tokens.captureValue();
  }

  /** Handles bytes of the params. */
  handleParams(token: Token, tokens: Tokenizer, emitter: Emitter): void {
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

  /** Passes what is held of an object that has ended or is not a request. */
  end(emitter: Emitter): void {
    if (emitter.mode == Mode.Hold) emitter.release();
  }

  /** Drops the params for any method, because too many bytes are held or a member of a response follows. */
  dropParams(emitter: Emitter): void {
    this.hasLostParams = true;
    emitter.reject(emitter.held == Held.Candidate ? Mode.Drop : Mode.Pass);
  }
}

/** Size in bytes of a request editor. */
export const REQUEST_EDITOR_SIZE: usize = (offsetof<RequestEditor>() + 7) & ~7;
