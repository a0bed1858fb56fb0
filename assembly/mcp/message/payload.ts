import { ANY, EACH, FieldTree } from "../../json/fields";
import { FIRST_PAYLOAD_FIELD, envelopeFields } from "../../jsonrpc/message_reader";
import { Method } from "../protocol/methods";
import { TOKEN_KIND_COUNT, TokenKind } from "../protocol/token_kinds";

/** The fields of a message that are read besides its envelope. */
export enum PayloadField {
  /** `tools/call`, `prompts/get`: the target. */
  ParamsName = FIRST_PAYLOAD_FIELD,
  /** `notifications/cancelled`: the id of the cancelled request. */
  ParamsRequestId,
  /** 2026-07-28: the revision of this request. */
  MetaProtocolVersion,
  /** `initialize`: the client's software. */
  ClientName,
  /** 2026-07-28: the client's software, in each request. */
  MetaClientName,
  /** The trace context of the application (2026-07-28, basic/index, "Trace Context"). */
  MetaTraceparent,
  /** `initialize`: the agreed revision. */
  ResultProtocolVersion,
  ResultIsError,
  ResultType,
  /** 2025-11-25: a task instead of the result. */
  ResultTask,
  /** A tool in a list starts. */
  ResultTool,
  ResultToolName,
  ResultPromptName,
  /** The cursors in a list's request and response. */
  ParamsCursor,
  ResultNextCursor,
  /** The role in a client's response to a sampling request. */
  ResultRole,
  InputResponseRole,
  /** `resources/read` and similar methods: the target. */
  ParamsUri,
  /** Tasks: the id in a request or notification, and the state. */
  ParamsTaskId,
  ParamsTaskStatus,
  /** 2026-07-28: a call that had asked for input continues. */
  ParamsInputResponses,
  ParamsRequestState,
  /** Tasks in responses. */
  ResultTaskId,
  ResultTaskStatus,
  /** A task in a list starts. */
  ListedTask,
  /** `initialize`: the revision that the client offers. */
  ParamsProtocolVersion,
  /** The first of the texts whose tokens are estimated. The number of each field is this one plus its {@link TokenKind}. */
  FirstText,
  /** Parts of tool definitions, each captured as a separate field. Their tokens count as definitions. */
  ToolDescription = FirstText + TOKEN_KIND_COUNT,
  ToolInputSchema,
  /** Lists of definitions: the start and the end of the array. */
  Tools,
  Prompts,
  Resources,
  ResourceTemplates,
}

/** The fields of an MCP message. */
export function messageFields(): FieldTree {
  const tree = envelopeFields();
  tree.add(PayloadField.ParamsName, ["params", "name"]);
  tree.add(PayloadField.ParamsRequestId, ["params", "requestId"]);
  tree.add(PayloadField.MetaProtocolVersion, ["params", "_meta", "io.modelcontextprotocol/protocolVersion"]);
  tree.add(PayloadField.ClientName, ["params", "clientInfo", "name"]);
  tree.add(PayloadField.MetaClientName, ["params", "_meta", "io.modelcontextprotocol/clientInfo", "name"]);
  tree.add(PayloadField.MetaTraceparent, ["params", "_meta", "traceparent"]);
  tree.add(PayloadField.ParamsProtocolVersion, ["params", "protocolVersion"]);
  tree.add(PayloadField.ResultProtocolVersion, ["result", "protocolVersion"]);
  tree.add(PayloadField.ResultIsError, ["result", "isError"]);
  tree.add(PayloadField.ResultType, ["result", "resultType"]);
  tree.add(PayloadField.ResultTask, ["result", "task"]);
  tree.addContainer(PayloadField.Tools, ["result", "tools"]);
  tree.addContainer(PayloadField.Prompts, ["result", "prompts"]);
  tree.add(PayloadField.ResultTool, ["result", "tools", EACH]);
  tree.add(PayloadField.ResultToolName, ["result", "tools", EACH, "name"]);
  tree.add(PayloadField.ResultPromptName, ["result", "prompts", EACH, "name"]);
  tree.add(PayloadField.ParamsCursor, ["params", "cursor"]);
  tree.add(PayloadField.ResultNextCursor, ["result", "nextCursor"]);
  tree.add(PayloadField.ParamsUri, ["params", "uri"]);
  tree.add(PayloadField.ParamsInputResponses, ["params", "inputResponses"]);
  tree.add(PayloadField.ParamsRequestState, ["params", "requestState"]);
  tree.add(PayloadField.ParamsTaskId, ["params", "taskId"]);
  tree.add(PayloadField.ParamsTaskStatus, ["params", "status"]);
  tree.add(PayloadField.ListedTask, ["result", "tasks", EACH]);
  const tasks = [["result"], ["result", "task"], ["result", "tasks", EACH]];
  for (let i = 0; i < tasks.length; i++) {
    tree.add(PayloadField.ResultTaskId, tasks[i].concat(["taskId"]));
    tree.add(PayloadField.ResultTaskStatus, tasks[i].concat(["status"]));
  }
  capture(tree, TokenKind.Arguments, ["params", "arguments"]);
  tree.capture(PayloadField.ToolDescription, ["result", "tools", EACH, "description"]);
  tree.capture(PayloadField.ToolInputSchema, ["result", "tools", EACH, "inputSchema"]);
  return tree;
}

/** The fields of an MCP message, including its texts. */
export function measuredFields(): FieldTree {
  const tree = messageFields();
  tree.add(PayloadField.ResultRole, ["result", "role"]);
  tree.add(PayloadField.InputResponseRole, ["params", "inputResponses", ANY, "role"]);
  capture(tree, TokenKind.Result, ["result", "content", EACH, "text"]);
  capture(tree, TokenKind.Result, ["result", "content", EACH, "resource", "text"]);
  capture(tree, TokenKind.Structured, ["result", "structuredContent"]);
  tree.addContainer(PayloadField.Resources, ["result", "resources"]);
  tree.addContainer(PayloadField.ResourceTemplates, ["result", "resourceTemplates"]);
  captureMembers(tree, TokenKind.Definitions, ["result", "prompts", EACH], ["description", "arguments"]);
  captureMembers(tree, TokenKind.Definitions, ["result", "resources", EACH], ["uri", "name", "description"]);
  const template = ["uriTemplate", "name", "description"];
  captureMembers(tree, TokenKind.Definitions, ["result", "resourceTemplates", EACH], template);
  captureContent(tree, TokenKind.Prompt, ["result", "messages", EACH]);
  capture(tree, TokenKind.Resource, ["result", "contents", EACH, "text"]);
  captureSampling(tree, ["params"]);
  captureSampling(tree, ["result", "inputRequests", ANY, "params"]);
  captureContent(tree, TokenKind.SamplingResult, ["params", "inputResponses", ANY]);
  // A client's response: if its content is a list, only the direction distinguishes it from a tool result.
  captureMembers(tree, TokenKind.SamplingResult, ["result", "content"], ["text", "input"]);
  captureMembers(tree, TokenKind.SamplingResult, ["result", "content", EACH], ["input"]);
  return tree;
}

/** The kind of the text that is captured as this field. */
@inline
export function textKind(field: i32): TokenKind {
  return field < PayloadField.ToolDescription ? <TokenKind>(field - PayloadField.FirstText) : TokenKind.Definitions;
}

/** The method whose responses contain this list of definitions; None for any other field. */
export function listMethod(field: i32): Method {
  switch (field) {
    case PayloadField.Tools:
      return Method.ToolsList;
    case PayloadField.Prompts:
      return Method.PromptsList;
    case PayloadField.Resources:
      return Method.ResourcesList;
    case PayloadField.ResourceTemplates:
      return Method.ResourcesTemplatesList;
    default:
      return Method.None;
  }
}

/** Captures the texts that `sampling/createMessage` (2025-11-25, client/sampling) sends to the model. */
function captureSampling(tree: FieldTree, params: string[]): void {
  const kind = TokenKind.SamplingRequest;
  capture(tree, kind, params.concat(["systemPrompt"]));
  captureContent(tree, kind, params.concat(["messages", EACH]));
  captureMembers(tree, kind, params.concat(["tools", EACH]), ["name", "description", "inputSchema"]);
}

/** Captures the text of a message's `content`: a single content or a list, including the input and the result of a tool use. */
function captureContent(tree: FieldTree, kind: TokenKind, message: string[]): void {
  const content = message.concat(["content"]);
  captureMembers(tree, kind, content, ["text", "input"]);
  captureMembers(tree, kind, content.concat(["resource"]), ["text"]);
  captureMembers(tree, kind, content.concat(["content", EACH]), ["text"]);
  captureMembers(tree, kind, content.concat([EACH]), ["text", "input"]);
  captureMembers(tree, kind, content.concat([EACH, "resource"]), ["text"]);
  captureMembers(tree, kind, content.concat([EACH, "content", EACH]), ["text"]);
}

function captureMembers(tree: FieldTree, kind: TokenKind, path: string[], names: string[]): void {
  for (let i = 0; i < names.length; i++) capture(tree, kind, path.concat([names[i]]));
}

function capture(tree: FieldTree, kind: TokenKind, path: string[]): void {
  tree.capture(PayloadField.FirstText + kind, path);
}
