import { Token } from "../../../assembly/json/token";
import { IdKind } from "../../../assembly/jsonrpc/id";
import { MessageKind, MessageReader, Part, ReadFault } from "../../../assembly/jsonrpc/message_reader";
import { PayloadField, measuredFields, textKind } from "../../../assembly/mcp/message/payload";
import { tokenKindName } from "../../../assembly/mcp/protocol/token_kinds";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "part")
declare function tracePart(
  part: Part,
  field: string,
  value: Token,
  at: usize,
  length: i32,
  total: u32,
  start: f64,
  end: f64,
): void;

// @ts-ignore: decorator
@external("trace", "message")
declare function traceMessage(
  kind: MessageKind,
  idKind: IdKind,
  idText: usize,
  idLength: u32,
  isError: bool,
  errorCode: i32,
  start: f64,
  end: f64,
): void;

/** Reports the fault of the message or batch. It is in the bytes of this chunk unless `isEnd`. */
// @ts-ignore: decorator
@external("trace", "fault")
declare function traceFault(fault: ReadFault, readTo: f64, isEnd: bool): void;

const tree = measuredFields();
const reader = MessageReader.create(tree);

export function begin(): void {
  reader.reset(tree);
}

export function feed(at: usize, length: usize): void {
  reader.feed(at, length);
  const tokens = reader.fields.tokens;
  for (let part = reader.next(); part != Part.More; part = reader.next()) {
    if (part == Part.Fault) return traceFault(reader.fault, 0, false);
    if (part == Part.End) {
      finish();
      reader.beginNext();
      continue;
    }
    const field = part == Part.Method ? "" : fieldName(reader.fields.field);
    const start = <f64>tokens.tokenStart;
    const end = <f64>tokens.tokenEnd;
    tracePart(part, field, reader.fields.value, tokens.textAt, tokens.textLength, tokens.textTotal, start, end);
  }
}

export function end(): void {
  if (!reader.isBatch) return finish();
  const fault = reader.finishBatch();
  if (fault) traceFault(fault, <f64>reader.fields.tokens.tokenEnd, true);
}

function finish(): void {
  const kind = reader.finish();
  if (kind == MessageKind.None) return traceFault(reader.fault, <f64>reader.fields.tokens.tokenEnd, true);
  const isError = kind == MessageKind.Response && reader.isErrorResponse;
  traceMessage(
    kind,
    reader.idKind,
    reader.idText,
    reader.idLength,
    isError,
    reader.errorCode,
    <f64>reader.start,
    <f64>reader.end,
  );
}

/** The name of a field in the enum PayloadField; for a text, the name of its kind. */
function fieldName(field: i32): string {
  switch (field) {
    case PayloadField.ParamsName:
      return "ParamsName";
    case PayloadField.ParamsRequestId:
      return "ParamsRequestId";
    case PayloadField.MetaProtocolVersion:
      return "MetaProtocolVersion";
    case PayloadField.ClientName:
      return "ClientName";
    case PayloadField.MetaClientName:
      return "MetaClientName";
    case PayloadField.MetaTraceparent:
      return "MetaTraceparent";
    case PayloadField.ResultProtocolVersion:
      return "ResultProtocolVersion";
    case PayloadField.ResultIsError:
      return "ResultIsError";
    case PayloadField.ResultType:
      return "ResultType";
    case PayloadField.ResultTask:
      return "ResultTask";
    case PayloadField.ResultTool:
      return "ResultTool";
    case PayloadField.ResultToolName:
      return "ResultToolName";
    case PayloadField.ResultPromptName:
      return "ResultPromptName";
    case PayloadField.ParamsCursor:
      return "ParamsCursor";
    case PayloadField.ResultNextCursor:
      return "ResultNextCursor";
    case PayloadField.ResultRole:
      return "ResultRole";
    case PayloadField.InputResponseRole:
      return "InputResponseRole";
    case PayloadField.ParamsUri:
      return "ParamsUri";
    case PayloadField.ParamsTaskId:
      return "ParamsTaskId";
    case PayloadField.ParamsTaskStatus:
      return "ParamsTaskStatus";
    case PayloadField.ParamsInputResponses:
      return "ParamsInputResponses";
    case PayloadField.ParamsRequestState:
      return "ParamsRequestState";
    case PayloadField.ResultTaskId:
      return "ResultTaskId";
    case PayloadField.ResultTaskStatus:
      return "ResultTaskStatus";
    case PayloadField.ListedTask:
      return "ListedTask";
    case PayloadField.ParamsProtocolVersion:
      return "ParamsProtocolVersion";
    case PayloadField.ToolDescription:
      return "ToolDescription";
    case PayloadField.ToolInputSchema:
      return "ToolInputSchema";
    case PayloadField.Tools:
      return "Tools";
    case PayloadField.Prompts:
      return "Prompts";
    case PayloadField.Resources:
      return "Resources";
    case PayloadField.ResourceTemplates:
      return "ResourceTemplates";
    default:
      assert(field >= PayloadField.FirstText && field < PayloadField.ToolDescription, "a field without a name");
      return "text." + tokenKindName(textKind(field));
  }
}
