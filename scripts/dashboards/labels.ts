/** Labels as columns of tables. */

/** The header of a label's column. */
export const HEADERS: Record<string, string> = {
  mcp_server: "server",
  mcp_caller: "caller",
  mcp_method_name: "method",
  gen_ai_tool_name: "tool",
  gen_ai_prompt_name: "prompt",
  mcp_outcome: "outcome",
  mcp_access_rule: "rule",
  mcp_access_mode: "mode",
  mcp_limit_rule: "rule",
  mcp_limit_decision: "decision",
  mcp_withheld_reason: "reason",
  mcp_change: "change",
  mcp_header: "header",
  mcp_label: "label",
  mcp_stream_kind: "kind",
  mcp_stream_end: "end",
  mcp_build_version: "version",
  mcp_build_revision: "revision",
};
