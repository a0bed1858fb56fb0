import fc from "fast-check";

import { type Member, type Node, numbers, spellings } from "../json/documents.ts";
import { answered, paramsTexts, resultTexts } from "./contents.ts";
import { METHODS } from "./methods.ts";
import { anyNode, array, asNode, literals, member, mostly, object, other, text, texts } from "./shapes.ts";

const names = fc.oneof(
  { weight: 6, arbitrary: texts("echo", "get_weather", "é😀", "a\nb", "\ud800") },
  { weight: 1, arbitrary: texts("n".repeat(128), "n".repeat(129), "n".repeat(300), "") },
);

/** Ids of all kinds, many of them alike. */
const ids = fc.oneof(
  fc
    .constantFrom("0", "1", "1.0", "10e-1", "-1", "42", "9007199254740993", "123456789012345678901234567890")
    .map((digits): Node => ({ type: "number", text: digits })),
  numbers.map((digits): Node => ({ type: "number", text: digits })),
  texts("0", "1", "a", "8f14e45f-ceea-467f-a0e6-8a3b0d5f5c6e", "x".repeat(300), ""),
  { weight: 1, arbitrary: literals("null", "true") },
);

const revisions = texts("2026-07-28", "2025-11-25", "2025-06-18", "2024-11-05", "2026-07-29");

const clientNames = fc.oneof(
  { weight: 3, arbitrary: texts("agent", "é😀") },
  { weight: 1, arbitrary: texts("n".repeat(64), "n".repeat(65), "") },
);

const clientInfo = mostly(object(member("name", mostly(clientNames)), member("version", texts("1"))));

const meta = object(
  member("io.modelcontextprotocol/protocolVersion", mostly(revisions)),
  member("io.modelcontextprotocol/clientInfo", clientInfo),
  other,
);

const params = object(
  member("name", mostly(names)),
  member("arguments", anyNode),
  ...paramsTexts,
  member("requestId", mostly(ids)),
  member("clientInfo", clientInfo),
  member("_meta", mostly(meta)),
  other,
);

const list = array(
  mostly(
    object(
      member("name", mostly(names)),
      member("description", spellings.map(asNode)),
      member("inputSchema", anyNode),
      member("arguments", anyNode),
      other,
    ),
  ),
);

const result = object(
  member("content", answered),
  ...resultTexts,
  member("isError", mostly(literals("true", "false"))),
  member("resultType", mostly(texts("complete", "input_required", "input_required", "task", "later"))),
  member("task", mostly(object(member("taskId", texts("t"))))),
  member("protocolVersion", mostly(revisions)),
  member("tools", mostly(list)),
  member("prompts", mostly(list)),
  other,
);

const code = fc
  .constantFrom("-32600", "-32700", "-32601", "0", "-0", "1", "403", "1e3", "-32600.0", "1234567890", "-2147483648")
  .map((digits): Node => ({ type: "number", text: digits }));

const error = object(
  member("code", mostly(code)),
  member("message", spellings.map(asNode)),
  member("data", anyNode),
  other,
);

const methods = fc.oneof(
  { weight: 8, arbitrary: texts(...METHODS) },
  { weight: 2, arbitrary: texts("tools/new", "notifications/é", "Tools/call", "ping ", "rpc.discover", "") },
);

const MEMBERS = {
  jsonrpc: member("jsonrpc", text("2.0")),
  id: member("id", ids),
  method: member("method", methods),
  params: member("params", params),
  result: member("result", result),
  error: member("error", error),
};

const anyMember = fc.oneof(
  ...Object.values(MEMBERS),
  member("jsonrpc", mostly(texts("2.0", "1.0"))),
  member("id", anyNode),
  member("method", mostly(methods)),
  member("params", mostly(params)),
  member("result", mostly(result)),
  member("error", mostly(error)),
  member("Method", methods),
  other,
);

/** A message of these members and up to two more, in any order. */
function envelope(...members: fc.Arbitrary<Member>[]): fc.Arbitrary<Node> {
  const more = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(anyMember, { maxLength: 2 }) },
  );
  return fc
    .tuple(fc.tuple(...members), more, fc.array(fc.nat({ max: 99 }), { minLength: 6, maxLength: 6 }))
    .map(([all, others, places]): Node => {
      const placed = [...all, ...others].map((each, i) => ({ each, place: places[i % places.length] }));
      return { type: "object", members: placed.sort((a, b) => a.place - b.place).map(({ each }) => each) };
    });
}

const single = fc.oneof(
  { weight: 3, arbitrary: envelope(MEMBERS.jsonrpc, MEMBERS.id, MEMBERS.method, MEMBERS.params) },
  { weight: 1, arbitrary: envelope(MEMBERS.jsonrpc, MEMBERS.method, MEMBERS.params) },
  { weight: 3, arbitrary: envelope(MEMBERS.jsonrpc, MEMBERS.id, MEMBERS.result) },
  { weight: 2, arbitrary: envelope(MEMBERS.jsonrpc, MEMBERS.id, MEMBERS.error) },
  { weight: 1, arbitrary: fc.array(anyMember, { maxLength: 8 }).map((members): Node => ({ type: "object", members })) },
);

/** Batches of such messages, with other values among them. */
export const batches: fc.Arbitrary<Node> = array(
  fc.oneof({ weight: 6, arbitrary: single }, { weight: 1, arbitrary: anyNode }),
);

/** JSON-RPC messages of MCP, batches of them, and what is nearly one. */
export const messages: fc.Arbitrary<Node> = fc.oneof(
  { weight: 10, arbitrary: single },
  { weight: 2, arbitrary: batches },
  { weight: 1, arbitrary: anyNode },
);
