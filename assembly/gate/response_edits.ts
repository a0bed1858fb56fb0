import { EditJudge } from "../edit/response/edit_judge";
import { ListElement } from "../edit/response/list_element";
import { ALL_LISTS, LIST_METHODS, Parts, REWRITTEN_REQUESTS, SERVER_REQUESTS } from "../edit/response/list_kind";
import { output } from "../edit/response/output";
import { ResponseEditor } from "../edit/response/response_editor";
import { BodyWriter } from "../host/body_writer";
import { HeaderBlock } from "../host/header_block";
import { HeaderMap } from "../host/header_map";
import { ContentType } from "../http/content_type";
import { JsonWriter } from "../json/writer";
import { IdKind } from "../jsonrpc/id";
import { ResponseHead } from "../mcp/headers/response_head";
import { Method } from "../mcp/protocol/methods";
import { Outcome } from "../mcp/protocol/outcome";
import { MODERN_REVISION } from "../mcp/protocol/revisions";
import { StreamKind } from "../mcp/protocol/stream_kinds";
import { Undecoded } from "../mcp/protocol/undecoded";
import { WithheldReason } from "../mcp/protocol/withheld_reason";
import { startsWithText } from "../memory/bytes";
import { Rejections } from "./rejections";
import { GateRequest, StageState } from "./stage/request";
import { stageOf } from "./stage/stage";
import { PASS, Verdict } from "./stage/verdict";

/**
 * Headers that state a body's length, or that it is unchanged (RFC 9110, sections 8.6 and 8.8.3; RFC 9530; RFC 3230).
 */
const BODY_HEADERS: string[] = ["content-length", "etag", "digest", "content-digest", "repr-digest", "content-md5"];
const ANSWER_HEADERS = new HeaderBlock(["content-type", "application/json"]);
const ACCEPTED: i32 = 202;
const BAD_GATEWAY: i32 = 502;
const DETAILS = "mcp_list_withheld[undecoded]";

/** Edits responses as the stages of a gate decide. */
export class ResponseEdits extends EditJudge {
  private request: GateRequest | null = null;
  private answer: JsonWriter = new JsonWriter();
  /** The results of {@link askStages}. */
  private edited: Parts = 0;
  private withheld: Parts = 0;
  private observed: Parts = 0;

  /**
   * @param body the body of the current response
   * @param headers the headers of the current response
   */
  constructor(
    private body: BodyWriter,
    private headers: HeaderMap,
    private rejections: Rejections,
  ) {
    super();
  }

  /** Handles the headers of a response that the gate did not make. `endOfStream`: it has no body. Returns an answer
   *  that replaces the response if the response should contain a list that must be edited but cannot be read. */
  begin(request: GateRequest, head: ResponseHead, endOfStream: bool): Verdict {
    const isGet = request.exchange.stream.kind == StreamKind.Get;
    const isEventStream = head.contentType == ContentType.EventStream;
    // A stream opened by a GET may turn out to be an HTTP+SSE stream, which carries the responses to other requests.
    const hasRewritten = request.firstRejected != 0 || (isGet && isEventStream);
    this.askStages(request);
    const edited = this.edited | (hasRewritten ? REWRITTEN_REQUESTS : 0);
    const observed = this.observed;
    const known = edited | observed;
    if (!known || endOfStream) return PASS;
    const isReadable = !head.compressed && (isEventStream || head.contentType == ContentType.Json);
    const isGood = head.status >= 200 && head.status < 300;
    const asked = isGood ? request.askedLists : 0;
    const withheld = this.withheld & edited & ALL_LISTS;
    if (!isReadable) {
      const isList = (asked & withheld) != 0 && isOwnAnswer(request, head);
      const isHiding = withheld != 0 || (edited & SERVER_REQUESTS) != 0;
      const mayShow = isGet ? isGood && isEventStream && isHiding : isList;
      return mayShow ? this.withhold(request, isGet, head) : PASS;
    }
    const parts = isEventStream ? known : partsOfBody(request, known, asked, isGood);
    if (!parts) return PASS;
    const changed = parts & edited;
    const editor = ResponseEditor.acquire(isEventStream, changed, parts & withheld, parts & observed, asked);
    request.editor = changetype<usize>(editor);
    if (changed) for (let i = 0; i < BODY_HEADERS.length; i++) this.headers.remove(unchecked(BODY_HEADERS[i]));
    return PASS;
  }

  /** Begins a callback of the response body. */
  beginBytes(request: GateRequest): void {
    changetype<ResponseEditor>(request.editor).begin();
  }

  /** Edits bytes of the body. */
  bytes(request: GateRequest, at: usize, length: usize): void {
    this.request = request;
    changetype<ResponseEditor>(request.editor).read(at, length, this);
  }

  /** Ends the callback of `size` bytes, of which `read` were read. Replaces them if the client gets different bytes. */
  endBytes(request: GateRequest, size: usize, read: usize): void {
    this.request = null;
    request.services.events.endWithheld();
    const editor = changetype<ResponseEditor>(request.editor);
    if (editor.hasChanged || read < size) this.body.replace(size, output.at, output.length);
  }

  /** Drops the held part of a response that has ended. */
  end(request: GateRequest): void {
    if (request.editor) changetype<ResponseEditor>(request.editor).release();
    request.editor = 0;
  }

  withholds(element: ListElement): bool {
    const request = this.request!;
    let isWithheld = false;
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      // Ask every stage, because each counts what it withholds.
      if (stageOf(state).withholds(state, request, element)) isWithheld = true;
    }
    return isWithheld;
  }

  deniesServerRequest(method: usize, length: i32): bool {
    // Notifications get no response.
    if (startsWithText(method, length, "notifications/")) return false;
    const request = this.request!;
    let isDenied = false;
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      if (stageOf(state).deniesServerRequest(state, request, method, length)) isDenied = true;
    }
    return isDenied;
  }

  rejects(kind: IdKind, idHash: u64): bool {
    const rejections = this.rejections;
    if (!rejections.find(this.request!, kind, idHash)) return false;
    this.error = rejections.at;
    this.errorLength = rejections.length;
    return true;
  }

  cannotRead(): void {
    this.reportUnread(this.request!);
    this.writeAnswer(this.request!);
    this.error = this.answer.at;
    this.errorLength = this.answer.length;
  }

  /** Answers in place of a response that cannot be read. */
  private withhold(request: GateRequest, isGet: bool, head: ResponseHead): Verdict {
    const stream = request.exchange.stream;
    this.reportUnread(request);
    if (head.compressed) request.services.events.undecoded(stream, Undecoded.Compressed);
    this.writeAnswer(request);
    const status = isGet ? BAD_GATEWAY : 200;
    const answer = this.answer;
    return Verdict.answer(Outcome.Undecoded, status, DETAILS, answer.at, answer.length, ANSWER_HEADERS);
  }

  private reportUnread(request: GateRequest): void {
    const method = listMethod(request.askedLists);
    request.services.events.withheld(request.exchange.stream, method, WithheldReason.Undecoded, false);
    request.services.events.endWithheld();
  }

  private writeAnswer(request: GateRequest): void {
    const answer = this.answer;
    answer.clear();
    answer.raw('{"jsonrpc":"2.0","id":');
    const length: i32 = request.listIdLength;
    if (!length) answer.raw("null");
    else if (request.isListIdText) answer.text(request.listId, length);
    else answer.bytes(request.listId, length);
    answer.raw(
      ',"error":{"code":502,"message":"The server\'s list was withheld since it cannot be read",' +
        '"data":{"reason":"undecoded"}}}',
    );
  }

  /** Collects the parts of the response that the stages edit, those whose elements they may withhold, and those that they
   *  only read. */
  private askStages(request: GateRequest): void {
    this.edited = 0;
    this.withheld = 0;
    this.observed = 0;
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      const stage = stageOf(state);
      this.edited |= stage.editedParts(state, request);
      this.withheld |= stage.withheldParts(state, request);
      this.observed |= stage.observedParts(state, request);
    }
  }
}

/**
 * Whether the response to a POST contains the answer to its request, rather than the acknowledgement that it arrived.
 */
function isOwnAnswer(request: GateRequest, head: ResponseHead): bool {
  const stream = request.exchange.stream;
  return head.status != ACCEPTED && !stream.session.isHttpSse && !stream.isUnpaired;
}

/**
 * The parts to read in a body that is one message or batch: such a body answers its request, or states why that failed.
 * If the request asked for a list that the stages edit or read, the body may contain other lists too.
 */
function partsOfBody(request: GateRequest, known: Parts, asked: Parts, isGood: bool): Parts {
  const isModern = request.exchange.stream.revision == MODERN_REVISION;
  const asksClient = isGood && isModern ? SERVER_REQUESTS : 0;
  const lists = known & asked ? ALL_LISTS : 0;
  return known & (lists | asksClient | REWRITTEN_REQUESTS);
}

/** The method that requests the first of these lists. */
function listMethod(lists: Parts): Method {
  return lists & ALL_LISTS ? LIST_METHODS[ctz(lists)] : Method.Other;
}
