import { EACH, FieldTree } from "../json/fields";
import { FIRST_PAYLOAD_FIELD, envelopeFields } from "../jsonrpc/message_reader";

/** What is read of a message besides its envelope. */
export enum PayloadField {
  /** `tools/call`, `prompts/get`: the target. */
  ParamsName = FIRST_PAYLOAD_FIELD,
  /** `notifications/cancelled`. */
  ParamsRequestId,
  /** 2026-07-28: the revision of this request. */
  MetaProtocolVersion,
  /** `initialize`: the client's software. */
  ClientName,
  /** 2026-07-28: the same, with each request. */
  MetaClientName,
  /** `initialize`: the revision that was agreed on. */
  ResultProtocolVersion,
  ResultIsError,
  ResultType,
  /** 2025-11-25: a task in place of the result. */
  ResultTask,
  ResultToolName,
  ResultPromptName,
}

/** The fields of an MCP message. */
export function messageFields(): FieldTree {
  const tree = envelopeFields();
  tree.add(PayloadField.ParamsName, ["params", "name"]);
  tree.add(PayloadField.ParamsRequestId, ["params", "requestId"]);
  tree.add(PayloadField.MetaProtocolVersion, ["params", "_meta", "io.modelcontextprotocol/protocolVersion"]);
  tree.add(PayloadField.ClientName, ["params", "clientInfo", "name"]);
  tree.add(PayloadField.MetaClientName, ["params", "_meta", "io.modelcontextprotocol/clientInfo", "name"]);
  tree.add(PayloadField.ResultProtocolVersion, ["result", "protocolVersion"]);
  tree.add(PayloadField.ResultIsError, ["result", "isError"]);
  tree.add(PayloadField.ResultType, ["result", "resultType"]);
  tree.add(PayloadField.ResultTask, ["result", "task"]);
  tree.add(PayloadField.ResultToolName, ["result", "tools", EACH, "name"]);
  tree.add(PayloadField.ResultPromptName, ["result", "prompts", EACH, "name"]);
  return tree;
}
