import { DenialForm } from "../../config/rules/rule_config";
import { Outcome, rejectionCode } from "../../mcp/protocol/outcome";
import { Bytes } from "../../memory/bytes";
import { AnswerBody } from "../../rules/answer_body";
import { RequestFault, requestFaultName } from "../../rules/message/request_fault";
import { StrictReader } from "../../rules/message/strict_reader";

const CODE = rejectionCode(Outcome.Denied).toString();
/** HeaderMismatch (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
const HEADER_MISMATCH = "-32020";

const MESSAGE = "Denied by the access policy";

/** Writes the response bodies for denied and rejected requests. */
export class Denial {
  readonly body: AnswerBody = new AnswerBody();

  /** Answers the request in the reader, which a rule denies. `hint` is the rule's hint, escaped for JSON; empty for
   *  none. */
  deny(reader: StrictReader, rule: string, hint: Bytes, form: DenialForm, isToolCall: bool): void {
    const body = this.body;
    body.beginAnswer(reader);
    if (form != DenialForm.Result || !isToolCall) return body.endWithError(CODE, MESSAGE, "rule", rule, hint);
    body.beginToolError();
    body.writer.raw(MESSAGE + " (rule " + rule + ")");
    if (hint.length) {
      body.writer.raw(": ");
      body.writer.bytes(hint.at, hint.length);
    }
    body.endToolError(reader);
  }

  /** Writes only the error object for a request that a rule denies, to be inserted into a server's response. `hint`
   *  as in {@link deny}. */
  writeError(rule: string, hint: Bytes): void {
    this.body.beginError();
    this.body.writeError(CODE, MESSAGE, "rule", rule, hint);
  }

  /** Answers a request whose headers differ from its body. */
  mismatch(reader: StrictReader): void {
    this.body.beginAnswer(reader);
    this.body.writer.raw(
      '"error":{"code":' + HEADER_MISMATCH + ',"message":"Mcp-Method or Mcp-Name does not match the body"}}',
    );
  }

  /** Answers a request that cannot be decided, without its id, which cannot be trusted. */
  refuse(fault: RequestFault): void {
    this.body.beginAnonymousAnswer();
    this.body.endWithError(CODE, "Refused by the access policy", "reason", requestFaultName(fault));
  }
}
