import fc from "fast-check";

import { type Member, type Node, spellings } from "../json/documents.ts";
import { anyNode, array, asNode, member, mostly, object, other, texts } from "./shapes.ts";

const anyText = mostly(spellings.map(asNode));

/** A content of any type, with members that do not go together too. */
const content = object(
  member("type", texts("text", "image", "resource", "tool_use", "tool_result")),
  member("text", anyText),
  member("data", texts("aGVsbG8gd29ybGQ=")),
  member("input", anyNode),
  member(
    "resource",
    mostly(object(member("uri", texts("file:///a")), member("text", anyText), member("blob", anyText))),
  ),
  member("structuredContent", anyNode),
  other,
);

/** One with contents in it, as a tool's result has them, and such a list. */
const nested = object(member("type", texts("tool_result")), member("content", array(content)), member("text", anyText));

/** What a tool, or a model, answered: a list of contents, or just one. */
export const answered = mostly(
  fc.oneof({ weight: 3, arbitrary: array(content) }, { weight: 1, arbitrary: content }, array(nested)),
);

const message = object(member("role", texts("user", "assistant")), member("content", answered), other);

const definition = object(
  member("name", mostly(texts("echo", "n".repeat(400), "é".repeat(129)))),
  member("title", anyText),
  member("description", anyText),
  member("inputSchema", anyNode),
  member("outputSchema", anyNode),
  member("uri", texts("file:///a/b")),
  member("uriTemplate", texts("file:///{path}")),
  other,
);

const sampling = object(
  member("systemPrompt", anyText),
  member("messages", mostly(array(message))),
  member("tools", mostly(array(definition))),
);

/** An object of such values under any names. */
function named(value: fc.Arbitrary<Node>): fc.Arbitrary<Node> {
  return fc
    .array(fc.record({ key: spellings, value: mostly(value) }), { maxLength: 3 })
    .map((members): Node => ({ type: "object", members }));
}

const cursors = mostly(texts("page-2", "", "x".repeat(300), "x".repeat(301)));

/** Members of a request's parameters that hold texts. */
export const paramsTexts: fc.Arbitrary<Member>[] = [
  fc.oneof(
    member("systemPrompt", anyText),
    member("messages", mostly(array(message))),
    member("tools", array(definition)),
  ),
  fc.oneof(member("inputResponses", mostly(named(message))), member("cursor", cursors)),
];

/** Members of a result that hold texts. */
export const resultTexts: fc.Arbitrary<Member>[] = [
  fc.oneof(
    member("structuredContent", anyNode),
    member("messages", mostly(array(message))),
    member("contents", mostly(array(content))),
  ),
  fc.oneof(
    member("resources", mostly(array(definition))),
    member("resourceTemplates", mostly(array(definition))),
    member(
      "inputRequests",
      mostly(named(object(member("method", texts("sampling/createMessage")), member("params", sampling)))),
    ),
    member("nextCursor", cursors),
  ),
];
