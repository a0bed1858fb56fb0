import { foldsTo } from "../../json/folded_name";
import { TEXT_LIMIT } from "../../json/string_decoder";
import { Fault, Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { Bytes, equalsText, permanentBytes } from "../../memory/bytes";
import { EditJudge } from "./edit_judge";
import { EMITTER_SIZE, Emitter, Held, Mode } from "./emitter";
import { ERROR_EDITOR_SIZE, ErrorEditor } from "./error_editor";
import { LIST_EDITOR_SIZE, ListEditor } from "./list_editor";
import { ALL_LISTS, LIST_NAMES, Parts, REWRITTEN_REQUESTS, SERVER_REQUESTS, listPart } from "./list_kind";
import { REQUEST_EDITOR_SIZE, RequestEditor } from "./request_editor";

/** The current position in the text. */
enum Place {
  Root,
  Batch,
  Message,
  Result,
  List,
  /** In `result.inputRequests` (2026-07-28, basic/patterns/mrtr), and in one of these requests. */
  InputRequests,
  InputRequest,
  /** After the message or batch. */
  Over,
}

const LIST_COUNT: i32 = 4;

/** The members that the editor reads, the lists first. */
enum Member {
  List,
  CacheScope = LIST_COUNT,
  InputRequests,
  Result,
  Error,
  Id,
  Method,
  Params,
  None,
}

const NAMES: Bytes[] = LIST_NAMES.concat([
  "cacheScope",
  "inputRequests",
  "result",
  "error",
  "id",
  "method",
  "params",
]).map<Bytes>((name) => Bytes.of(name));
const PRIVATE = '"private"';
const PRIVATE_TEXT = permanentBytes(PRIVATE);

/**
 * Edits one message or batch of a server as its text passes (JSON-RPC 2.0, sections 4 to 6). Everything else passes
 * unchanged, without delay. Part of a {@link ResponseEditor}, in one block of memory with its own parts.
 */
@unmanaged
export class MessageEditor {
  private tokens: Tokenizer;
  private place: Place;
  private member: Member;
  private isBatch: bool;
  /** The text is not JSON. The rest of it passes or is dropped as a whole. */
  private isBroken: bool;
  /** The text is held until it begins like JSON, and nothing of it has passed. */
  private isUnopened: bool;
  /** The current result contains a list that may change. */
  private hasList: bool;
  /** The parts that may change; the lists among them whose elements may be withheld; and the parts that are only
   *  read. */
  private edited: Parts;
  private withheld: Parts;
  private observed: Parts;
  /** The request asked for a list that may change. */
  private isAsked: bool;
  /** Number of bytes of text before the current chunk. */
  private passed: u64;

  /** Initializes the object, once, in its place in memory. */
  create(): void {
    this.tokens = Tokenizer.create();
  }

  /** Sets what is edited from now on: see {@link ResponseEditor.acquire}. */
  open(edited: Parts, withheld: Parts, observed: Parts, asked: Parts): void {
    this.edited = edited;
    this.withheld = withheld;
    this.observed = observed;
    this.isAsked = (asked & edited) != 0;
    this.begin();
  }

  /** Begins another text. */
  begin(): void {
    this.tokens.reset();
    this.emitter.free();
    this.emitter.mode = Mode.Pass;
    this.place = Place.Root;
    this.member = Member.None;
    this.isBatch = false;
    this.isBroken = false;
    this.isUnopened = false;
    this.hasList = false;
    this.passed = 0;
  }

  /** Ends the text. Held bytes are undecided and are dropped. */
  end(): void {
    if (this.emitter.mode == Mode.Hold) this.emitter.reject(Mode.Pass);
    this.begin();
  }

  /** Holds the text, which is a whole response to a list request, until it begins like JSON. */
  hold(): void {
    this.isUnopened = true;
    this.emitter.beginHold(Held.Rest);
  }

  @inline
  get emitter(): Emitter {
    return changetype<Emitter>(changetype<usize>(this) + EMITTER_AT);
  }

  /** Reads bytes of the text. */
  read(at: usize, length: usize, judge: EditJudge): void {
    const emitter = this.emitter;
    emitter.begin(at, this.passed);
    this.readTokens(at, length, judge);
    emitter.moveTo(at + length);
    this.bound(judge);
  }

  /** Stops holding if too many bytes are held. */
  bound(judge: EditJudge): void {
    if (this.emitter.isOverfull) this.overflow(judge);
  }

  /** Handles bytes around the text. */
  frame(at: usize, size: usize, judge: EditJudge): void {
    this.emitter.frame(at, size);
    this.bound(judge);
  }

  /** Handles the line feed, at `at`, that joins two lines of the text. */
  join(at: usize, judge: EditJudge): void {
    this.emitter.beginJoint(at, this.passed);
    this.readTokens(at, 1, judge);
  }

  private readTokens(at: usize, length: usize, judge: EditJudge): void {
    this.passed += length;
    if (this.isBroken) return;
    const tokens = this.tokens;
    tokens.feed(at, length);
    for (let token = tokens.next(); token != Token.More; token = tokens.next()) {
      if (token == Token.Error) return this.breakOff(judge);
      this.handle(token, judge);
    }
  }

  private handle(token: Token, judge: EditJudge): void {
    switch (this.place) {
      case Place.Root:
        return this.handleRoot(token);
      case Place.Batch:
        if (token == Token.ObjectStart) this.beginMessage();
        else if (token == Token.ArrayStart) this.tokens.skipContainer();
        else if (token == Token.ArrayEnd) this.place = Place.Over;
        return;
      case Place.Message:
        return this.handleMessage(token, judge);
      case Place.Result:
        return this.handleResult(token);
      case Place.List:
        if (!this.list.handle(token, this.tokens, this.emitter, judge)) this.place = Place.Result;
        return;
      case Place.InputRequests:
        return this.handleInputRequests(token);
      case Place.InputRequest:
        return this.handleInputRequest(token, judge);
    }
  }

  private handleRoot(token: Token): void {
    if (this.isUnopened) this.emitter.release();
    this.isUnopened = false;
    if (token == Token.ObjectStart) {
      this.beginMessage();
    } else if (token == Token.ArrayStart) {
      this.isBatch = true;
      this.place = Place.Batch;
    } else {
      this.place = Place.Over;
    }
  }

  private beginMessage(): void {
    this.place = Place.Message;
    this.hasList = false;
    this.request.begin((this.edited & SERVER_REQUESTS) != 0);
    this.error.begin();
  }

  private handleMessage(token: Token, judge: EditJudge): void {
    const tokens = this.tokens;
    const emitter = this.emitter;
    if (token == Token.Key) return this.handleMessageKey();
    if (token == Token.ObjectEnd) {
      emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
      this.endRequest();
      this.place = this.isBatch ? Place.Batch : Place.Over;
      return;
    }
    switch (this.member) {
      case Member.Id:
        return this.error.handleId(token, tokens, emitter, judge);
      case Member.Error:
        return this.error.handleError(token, tokens, emitter, judge);
      case Member.Method:
        return this.request.handleMethod(token, tokens, emitter, judge);
      case Member.Params:
        return this.request.handleParams(token, tokens, emitter);
      case Member.Result:
        if (token == Token.ObjectStart) this.place = Place.Result;
        else if (token == Token.ArrayStart) tokens.skipContainer();
    }
  }

  private handleMessageKey(): void {
    const tokens = this.tokens;
    const known = this.edited | this.observed;
    this.member = memberOf(tokens);
    switch (this.member) {
      case Member.Result:
        this.leaveRequest();
        if (!(known & (ALL_LISTS | SERVER_REQUESTS))) tokens.skipValue();
        return;
      case Member.Error:
        this.leaveRequest();
        if (this.edited & REWRITTEN_REQUESTS) this.error.beginError(tokens);
        else tokens.skipValue();
        return;
      case Member.Id:
        if (!(this.edited & REWRITTEN_REQUESTS)) tokens.skipValue();
        return;
      case Member.Method:
        this.error.end(this.emitter);
        if (known & SERVER_REQUESTS) this.request.beginMethod(tokens, this.emitter);
        else tokens.skipValue();
        return;
      case Member.Params:
        this.error.end(this.emitter);
        if (known & SERVER_REQUESTS) this.request.beginParams(tokens);
        else tokens.skipValue();
        return;
      default:
        tokens.skipValue();
    }
  }

  /** Handles a member of a response, in a message that may also have members of a request: held errors pass, held
   *  params are dropped. */
  private leaveRequest(): void {
    this.error.end(this.emitter);
    if (this.emitter.mode == Mode.Hold) this.request.dropParams(this.emitter);
  }

  /** Passes what is held of the message, which has ended without being a request. */
  private endRequest(): void {
    this.error.end(this.emitter);
    this.request.end(this.emitter);
  }

  private handleResult(token: Token): void {
    const tokens = this.tokens;
    const emitter = this.emitter;
    if (token == Token.ObjectEnd) {
      this.place = Place.Message;
      this.member = Member.None;
    } else if (token == Token.Key) {
      this.handleResultKey();
    } else if (this.member == Member.CacheScope) {
      this.handleCacheScope(token);
    } else if (token == Token.ArrayStart && this.member < LIST_COUNT) {
      this.beginList(listPart(this.member));
    } else if (token == Token.ObjectStart && this.member == Member.InputRequests) {
      this.place = Place.InputRequests;
    } else if (token == Token.ObjectStart || token == Token.ArrayStart) {
      tokens.skipContainer();
    }
  }

  private beginList(part: Parts): void {
    const emitter = this.emitter;
    const isEdited = (this.withheld & part) != 0;
    if (this.edited & part) this.hasList = true;
    if (!isEdited && !(this.observed & part)) return this.tokens.skipContainer();
    emitter.moveTo(emitter.addressOf(this.tokens.tokenEnd));
    this.list.begin(<i32>this.member, isEdited, emitter);
    this.place = Place.List;
  }

  private handleResultKey(): void {
    const tokens = this.tokens;
    const known = this.edited | this.observed;
    const member = memberOf(tokens);
    this.member = member;
    if (member < LIST_COUNT) {
      if (!(known & listPart(member))) tokens.skipValue();
    } else if (member == Member.CacheScope && this.edited & ALL_LISTS && (this.hasList || this.isAsked)) {
      this.emitter.moveTo(this.emitter.addressOf(tokens.tokenEnd));
      this.emitter.beginHold(Held.Rest);
    } else if (member != Member.InputRequests || !(known & SERVER_REQUESTS)) {
      this.member = Member.None;
      tokens.skipValue();
    }
  }

  /** A response that depends on the caller must not be cached for others (2026-07-28, server/utilities/caching). */
  private handleCacheScope(token: Token): void {
    const tokens = this.tokens;
    const emitter = this.emitter;
    if (token == Token.String && equalsText(tokens.textAt, tokens.textTotal, "public")) {
      const before = emitter.heldBefore(tokens.tokenStart);
      emitter.moveTo(emitter.addressOf(tokens.tokenStart));
      emitter.reclaim(before);
      emitter.leaveOut(emitter.addressOf(tokens.tokenEnd));
      emitter.insert(PRIVATE_TEXT, PRIVATE.length);
      emitter.reject(Mode.Pass);
      return;
    }
    emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
    emitter.release();
    if (token == Token.ObjectStart || token == Token.ArrayStart) tokens.skipContainer();
  }

  private handleInputRequests(token: Token): void {
    if (token == Token.ObjectEnd) {
      this.place = Place.Result;
    } else if (token == Token.ObjectStart) {
      this.request.begin((this.edited & SERVER_REQUESTS) != 0);
      this.place = Place.InputRequest;
    } else if (token == Token.ArrayStart) {
      this.tokens.skipContainer();
    }
  }

  private handleInputRequest(token: Token, judge: EditJudge): void {
    const tokens = this.tokens;
    const emitter = this.emitter;
    if (token == Token.ObjectEnd) {
      emitter.moveTo(emitter.addressOf(tokens.tokenEnd));
      this.request.end(emitter);
      this.member = Member.InputRequests;
      this.place = Place.InputRequests;
    } else if (token == Token.Key) {
      this.member = memberOf(tokens);
      if (this.member == Member.Method) this.request.beginMethod(tokens, emitter);
      else if (this.member == Member.Params) this.request.beginParams(tokens);
      else tokens.skipValue();
    } else if (this.member == Member.Method) {
      this.request.handleMethod(token, tokens, emitter, judge);
    } else {
      this.request.handleParams(token, tokens, emitter);
    }
  }

  /** Handles text that is not JSON. Drops everything that a lenient parser could read as a list or a server request. */
  private breakOff(judge: EditJudge): void {
    const emitter = this.emitter;
    this.isBroken = true;
    if (this.isUnopened) {
      judge.cannotRead();
      emitter.forget();
      emitter.mode = Mode.Drop;
      return emitter.insert(judge.error, judge.errorLength);
    }
    // Other parsers have higher limits, or accept text that is not JSON for this one.
    const isMessage = this.place > Place.Batch || this.tokens.fault == Fault.Depth;
    const mayHaveList = this.hasList || (this.isAsked && isMessage);
    if (mayHaveList && this.withheld != 0) judge.cannotRead();
    const mayHide = isMessage && (this.withheld != 0 || (this.edited & SERVER_REQUESTS) != 0);
    if (emitter.mode == Mode.Hold) return emitter.reject(Mode.Drop);
    emitter.mode = mayHide || emitter.mode == Mode.Drop ? Mode.Drop : Mode.Pass;
    emitter.forget();
  }

  /** Handles that too many bytes are held. */
  private overflow(judge: EditJudge): void {
    const emitter = this.emitter;
    if (this.place == Place.List) {
      this.list.overflow(emitter);
    } else if (this.isUnopened) {
      emitter.reject(Mode.Hold);
    } else if (emitter.mode == Mode.Hold) {
      const isInScalar = this.member == Member.Method || this.member == Member.CacheScope;
      if (this.error.isHeld) this.error.end(emitter);
      else if (isInScalar) this.breakOff(judge);
      else this.request.dropParams(emitter);
    }
  }

  private get list(): ListEditor {
    return changetype<ListEditor>(changetype<usize>(this) + LIST_AT);
  }

  private get request(): RequestEditor {
    return changetype<RequestEditor>(changetype<usize>(this) + REQUEST_AT);
  }

  private get error(): ErrorEditor {
    return changetype<ErrorEditor>(changetype<usize>(this) + ERROR_AT);
  }
}

const EMITTER_AT: usize = (offsetof<MessageEditor>() + 7) & ~7;
const LIST_AT: usize = EMITTER_AT + EMITTER_SIZE;
const REQUEST_AT: usize = LIST_AT + LIST_EDITOR_SIZE;
const ERROR_AT: usize = REQUEST_AT + REQUEST_EDITOR_SIZE;
/** Size in bytes of a message editor with its parts. */
export const MESSAGE_EDITOR_SIZE: usize = ERROR_AT + ERROR_EDITOR_SIZE;

/** The member of the key in the tokenizer, in any object. Ignores case, as some parsers do. */
function memberOf(tokens: Tokenizer): Member {
  if (tokens.textTotal > TEXT_LIMIT) return Member.None;
  const at = tokens.textAt;
  const length = tokens.textLength;
  for (let i = 0; i < NAMES.length; i++) {
    if (foldsTo(at, length, unchecked(NAMES[i]))) return i;
  }
  return Member.None;
}
