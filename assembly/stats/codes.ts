/**
 * The JSON-RPC error codes with a label value of their own: those of JSON-RPC 2.0 (section 5.1), of MCP's revisions and
 * SDKs, and the HTTP-like ones of gateways.
 */
const CODES: i32[] = [
  -32700, -32600, -32601, -32602, -32603, -32002, -32042, -32000, -32001, -32020, -32021, -32022, 403, 429,
];

/** Index for "no code". The label is omitted. */
export const NO_CODE_INDEX: i32 = 0;
const OTHER_CODE_INDEX: i32 = 1;

/** The index of the code of an error response. */
export function codeIndex(code: i32): i32 {
  for (let i = 0; i < CODES.length; i++) {
    if (unchecked(CODES[i]) == code) return i + 2;
  }
  return OTHER_CODE_INDEX;
}

/** The value of the label `rpc_response_status_code`; empty if it is omitted. */
export function codeName(index: i32): string {
  if (index == NO_CODE_INDEX) return "";
  return index == OTHER_CODE_INDEX ? "_OTHER" : CODES[index - 2].toString();
}
