import { RejectedRequest } from "../edit/request/rejected_request";
import { Token } from "../json/token";
import { JsonWriter } from "../json/writer";
import { rejectionCode } from "../mcp/protocol/outcome";
import { Bytes } from "../memory/bytes";
import { MemberSlot } from "./message/deciding_keys";
import { StrictReader } from "./message/strict_reader";

const NOTHING: Bytes = Bytes.of("");

/**
 * Builds the body of a reply in place of the server: a JSON-RPC response, or a batch of them (JSON-RPC 2.0, sections 5
 * and 6).
 */
export class AnswerBody {
  readonly writer: JsonWriter = new JsonWriter();
  private isList: bool = false;
  private count: i32 = 0;

  get at(): usize {
    return this.writer.at;
  }

  get length(): i32 {
    return this.writer.length;
  }

  /** Whether no response is needed, because only notifications and responses were rejected. */
  get isEmpty(): bool {
    return this.count == 0;
  }

  /** Begins the body. `isList`: it is a batch of responses. */
  begin(isList: bool): void {
    this.writer.clear();
    this.count = 0;
    this.isList = isList;
    if (isList) this.writer.raw("[");
  }

  /** Ends the body. */
  end(): void {
    if (this.isList) this.writer.raw("]");
  }

  /** Begins the response to the request in the reader, up to the comma after the id. */
  beginAnswer(reader: StrictReader): void {
    this.beginAnswerTo(
      reader.textAt(MemberSlot.Id),
      reader.textLength(MemberSlot.Id),
      reader.token(MemberSlot.Id) == Token.String,
    );
  }

  /** Begins the response to the request of this id, up to the comma after the id. The id is `length` bytes at `at`:
   *  a string if `isText`, otherwise a number. */
  beginAnswerTo(at: usize, length: i32, isText: bool): void {
    const writer = this.writer;
    if (this.count++) writer.raw(",");
    writer.raw('{"jsonrpc":"2.0","id":');
    if (isText) writer.text(at, length);
    else writer.bytes(at, length);
    writer.raw(",");
  }

  /** Begins the response to a request whose id cannot be trusted. */
  beginAnonymousAnswer(): void {
    this.writer.raw('{"jsonrpc":"2.0","id":null,');
    this.count++;
  }

  /** Ends a response with an error: see {@link writeError}. */
  endWithError(code: string, message: string, name: string, value: string, hint: Bytes = NOTHING): void {
    this.writer.raw('"error":');
    this.writeError(code, message, name, value, hint);
    this.writer.raw("}");
  }

  /** Writes an error whose `data` has one string member, and `hint`, which must be escaped for JSON already; empty
   *  for none. */
  writeError(code: string, message: string, name: string, value: string, hint: Bytes = NOTHING): void {
    const writer = this.writer;
    writer.raw('{"code":');
    writer.raw(code);
    writer.raw(',"message":"');
    writer.raw(message);
    writer.raw('","data":{"');
    writer.raw(name);
    writer.raw('":"');
    writer.raw(value);
    if (hint.length) {
      writer.raw('","hint":"');
      writer.bytes(hint.at, hint.length);
    }
    writer.raw('"}}');
  }

  /** Begins an error that becomes part of the server's response. */
  beginError(): void {
    this.writer.clear();
  }

  /** Answers the request in the reader, which an earlier stage has rejected. */
  repeat(reader: StrictReader, rejected: RejectedRequest): void {
    this.beginAnswer(reader);
    this.writer.raw('"error":');
    if (rejected.length) this.writer.bytes(rejected.error, rejected.length);
    else this.writer.raw('{"code":' + rejectionCode(rejected.outcome).toString() + ',"message":"Rejected"}');
    this.writer.raw("}");
  }

  /** Ends the response to a tool call with a tool error (`isError`), which clients show to the model. The text was
   *  written after {@link beginToolError}. */
  endToolError(reader: StrictReader): void {
    this.writer.raw('"}],"isError":true');
    if (reader.has(MemberSlot.MetaVersion)) this.writer.raw(',"resultType":"complete"');
    this.writer.raw("}}");
  }

  /** Begins a tool error (`isError`). The caller then writes its text, in ASCII that needs no escapes. */
  beginToolError(): void {
    this.writer.raw('"result":{"content":[{"type":"text","text":"');
  }
}
