import { DenialForm } from "../../config/rules/rule_config";
import { Token } from "../../json/token";
import { JsonWriter } from "../../json/writer";
import { RequestRefusal, refusalName } from "../../rules/message/refusal";
import { Slot } from "../../rules/message/slots";
import { StrictReader } from "../../rules/message/strict_reader";

/** Beside JSON-RPC's reserved codes (JSON-RPC 2.0, section 5.1), as gateways answer. */
const CODE = "403";
/** HeaderMismatch (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
const HEADER_MISMATCH = "-32020";

const MESSAGE = "Denied by the access policy";

/** Builds the bodies of replies in place of the server. */
export class Denial {
  private writer: JsonWriter = new JsonWriter();
  private isList: bool = false;
  private count: i32 = 0;

  get at(): usize {
    return this.writer.at;
  }

  get length(): i32 {
    return this.writer.length;
  }

  /** Whether nobody waits for an answer: only notifications and responses were denied. */
  get isEmpty(): bool {
    return this.count == 0;
  }

  /** Begins an answer, to a batch where `isList`. */
  begin(isList: bool): void {
    this.writer.clear();
    this.count = 0;
    this.isList = isList;
    if (isList) this.writer.raw("[");
  }

  /** The answer is whole. */
  end(): void {
    if (this.isList) this.writer.raw("]");
  }

  /** Answers the current request, which a rule denies. */
  deny(reader: StrictReader, rule: string, form: DenialForm, isToolCall: bool): void {
    if (form == DenialForm.Result && isToolCall) return this.denyAsResult(reader, rule);
    this.beginAnswer(reader);
    this.error(CODE, MESSAGE, "rule", rule);
  }

  /** Answers a request whose headers say something else than its body. */
  mismatch(reader: StrictReader): void {
    this.beginAnswer(reader);
    this.writer.raw(
      '"error":{"code":' + HEADER_MISMATCH + ',"message":"Mcp-Method or Mcp-Name does not match the body"}}',
    );
  }

  /** Answers what cannot be decided, without its id, which cannot be trusted. */
  refuse(refusal: RequestRefusal): void {
    this.writer.raw('{"jsonrpc":"2.0","id":null,');
    this.count++;
    this.error(CODE, "Refused by the access policy", "reason", refusalName(refusal));
  }

  /** Answers in the form of a failure of the tool itself, which clients show to the model. */
  private denyAsResult(reader: StrictReader, rule: string): void {
    this.beginAnswer(reader);
    this.writer.raw(
      '"result":{"content":[{"type":"text","text":"' + MESSAGE + " (rule " + rule + ')"}],"isError":true',
    );
    if (reader.has(Slot.MetaVersion)) this.writer.raw(',"resultType":"complete"');
    this.writer.raw("}}");
  }

  private beginAnswer(reader: StrictReader): void {
    const writer = this.writer;
    if (this.count++) writer.raw(",");
    writer.raw('{"jsonrpc":"2.0","id":');
    const at = reader.textAt(Slot.Id);
    const length = reader.textLength(Slot.Id);
    if (reader.token(Slot.Id) == Token.String) writer.text(at, length);
    else writer.bytes(at, length);
    writer.raw(",");
  }

  private error(code: string, message: string, name: string, value: string): void {
    this.writer.raw(
      '"error":{"code":' + code + ',"message":"' + message + '","data":{"' + name + '":"' + value + '"}}}',
    );
  }
}
