import { IdKind } from "../../../assembly/jsonrpc/id";
import { MessageKind, ReadFault } from "../../../assembly/jsonrpc/message_reader";
import { McpMessage } from "../../../assembly/mcp/message/message";
import { McpPart, McpReader } from "../../../assembly/mcp/message/message_reader";
import { NO_CODE } from "../../../assembly/mcp/protocol/limits";
import { Method, methodName } from "../../../assembly/mcp/protocol/methods";
import { outcomeName } from "../../../assembly/mcp/protocol/outcome";
import { UNKNOWN_REVISION, revisionName } from "../../../assembly/mcp/protocol/revisions";
import { taskStateName } from "../../../assembly/mcp/protocol/task_state";
import { TokenSettings } from "../../../assembly/mcp/protocol/token_kinds";

export { allocate } from "./common/allocate";

/** Reports a part that the reader returns before the end of the message. `name` is a method or the state of a task; `length`
 *  bytes at `at` are the name of a tool or prompt. */
// @ts-ignore: decorator
@external("trace", "part")
declare function tracePart(part: McpPart, name: string, at: usize, length: u32, start: f64, end: f64): void;

/** Reports the end of a message, after its details. */
// @ts-ignore: decorator
@external("trace", "message")
declare function traceMessage(
  kind: MessageKind,
  idKind: IdKind,
  idText: usize,
  idLength: u32,
  start: f64,
  end: f64,
): void;

/** Reports a detail of the message. */
// @ts-ignore: decorator
@external("trace", "detail")
declare function traceDetail(name: string, value: string): void;

/** Reports a text of the message. */
// @ts-ignore: decorator
@external("trace", "text")
declare function traceText(name: string, at: usize, length: u32): void;

/** Reports the fault of the message or batch. It is in the bytes of this chunk unless `isEnd`. */
// @ts-ignore: decorator
@external("trace", "fault")
declare function traceFault(fault: ReadFault, readTo: f64, isEnd: bool): void;

const settings = new TokenSettings(true, 262_144, 1);
let reader = McpReader.acquire(settings);

export function begin(): void {
  reader.release();
  reader = McpReader.acquire(settings);
}

export function feed(at: usize, length: usize): void {
  const message = reader.message;
  const tokens = message.reader.fields.tokens;
  reader.feed(at, length);
  for (let part = reader.next(); part != McpPart.More; part = reader.next()) {
    if (part == McpPart.Fault) return traceFault(reader.fault, 0, false);
    if (part == McpPart.End) {
      finish();
      reader.beginNext(settings);
      continue;
    }
    const isListed = part == McpPart.Listed;
    const listedAt = isListed ? message.listedAt : 0;
    const listedLength = isListed ? message.listedLength : 0;
    tracePart(part, nameOf(part), listedAt, listedLength, <f64>tokens.tokenStart, <f64>tokens.tokenEnd);
  }
}

export function end(): void {
  if (!reader.isBatch) return finish();
  const fault = reader.finishBatch();
  if (fault) traceFault(fault, readTo(), true);
}

function nameOf(part: McpPart): string {
  const message = reader.message;
  switch (part) {
    case McpPart.Method:
      return shownMethod(message.method);
    case McpPart.List:
      return methodName(message.listMethod);
    case McpPart.Task:
      return taskStateName(message.taskState);
    default:
      return "";
  }
}

function finish(): void {
  const message = reader.message;
  const kind = reader.finish();
  if (kind == MessageKind.None) return traceFault(reader.fault, readTo(), true);
  if (kind == MessageKind.Response) traceAnswer(message);
  else traceDetail("method", shownMethod(message.method));
  if (message.nameLength) traceText("name", message.name, message.nameLength);
  if (message.hasArguments) traceDetail("arguments", "yes");
  if (kind == MessageKind.Request && message.requestedTask) traceDetail("targetTask", "yes");
  if (message.task && message.taskState) traceDetail("task", taskStateName(message.taskState));
  if (message.cancelledId) traceDetail("cancels", "yes");
  if (message.continuesCall) traceDetail("continues", "yes");
  if (message.cursor) traceDetail("cursor", "yes");
  if (message.clientNameLength) traceText("client", message.clientName, message.clientNameLength);
  if (message.offersRevision) traceDetail("offersRevision", "yes");
  if (message.requestRevision != UNKNOWN_REVISION) traceDetail("revision", revisionName(message.requestRevision));
  if (message.trace.isThere) traceDetail("traceparent", "yes");
  traceMessage(
    kind,
    message.idKind,
    message.idText,
    message.idLength,
    <f64>message.reader.start,
    <f64>message.reader.end,
  );
}

function traceAnswer(message: McpMessage): void {
  traceDetail("outcome", outcomeName(message.outcome));
  if (message.errorCode != NO_CODE) traceDetail("code", message.errorCode.toString());
  if (message.isErrorOfUnknownRequest) traceDetail("answersUnknown", "yes");
  if (message.agreedRevision != UNKNOWN_REVISION) traceDetail("revision", revisionName(message.agreedRevision));
  if (message.nextCursor) traceDetail("nextCursor", "yes");
}

function shownMethod(method: Method): string {
  return method == Method.None ? "none" : methodName(method);
}

function readTo(): f64 {
  return <f64>reader.message.reader.fields.tokens.tokenEnd;
}
