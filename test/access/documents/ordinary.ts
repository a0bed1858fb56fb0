/** Messages as clients send them, in all the ways in which JSON can be written, with names that are not ambiguous. */
import type { Random } from "../../../scripts/fuzz/random.ts";
import { METHODS, PROMPTS, TOOLS, URIS } from "./messages.ts";
import { escaped } from "./spellings.ts";
import { bytesOf, type Node, nodeOf, nodesIn, written } from "./tree.ts";

const SPACES = ["", "", " ", "\n", "\t", "\r\n", "  "];
const TEXTS = [
  "",
  "text",
  "größer",
  "日本語",
  "👩‍👩‍👧",
  'a"b\\c/d',
  "\u2028\u2029",
  "\u0000\u0001\u001f",
  "\u007f\u0080",
  "\u017f\u212a",
  "{}[],:",
];
/** Texts that can be used where the value affects the decision. */
const NAMES = TEXTS.filter((text) => !text.includes("\0"));
const NUMBERS = [
  "0",
  "-0",
  "1",
  "-17",
  "3.25",
  "1e3",
  "-2.5E-7",
  "9007199254740993",
  "1e308",
  "0.1",
  "123456789012345678901234567890",
];
/** Names of members that do not affect the decision in this position; some do in other positions. */
const KEYS = [
  "a",
  "b",
  "Method",
  "method",
  "id",
  "ID",
  "jsonrpc",
  "params",
  "name",
  "Uri",
  "größe",
  "日本",
  "",
  " ",
  "__proto__",
];
const META_KEYS = ["progressToken", "traceparent", "com.example/key", "io.modelcontextprotocol/related-task"];
/** Names that do not affect the decision in tools' arguments, although they do in parameters. */
const ARGUMENTS = ["text", "Text", "uri", "name", "query", "größe", "limit", "taskId", "ref"];

/** The default of `access.maxBodyBytes`. Larger documents are rejected for their size. */
const MAX_BYTES = 512 * 1024;

/** Returns a generated message or batch of messages of at most 512 KiB. It depends only on the random numbers. */
export function ordinaryDocument(random: Random): Buffer {
  for (;;) {
    const document = documentOfAnySize(random);
    if (document.length <= MAX_BYTES) return document;
  }
}

function documentOfAnySize(random: Random): Buffer {
  const root = random.oneIn(10)
    ? nodeOf(Array.from({ length: random.size(1, 20) }, () => ordinaryMessage(random)))
    : nodeOf(ordinaryMessage(random));
  const isSpaced = random.oneIn(2);
  respell(random, root);
  return bytesOf(written(root, () => (isSpaced ? random.pick(SPACES) : "")));
}

function ordinaryMessage(random: Random): object {
  const id = random.pick([0, 1, -5, 2 ** 53 - 1, "1", "a-b", "größer", crypto()]);
  function crypto(): string {
    return `${random.next().toString(16)}-${random.next().toString(16)}`;
  }
  const kind = random.below(10);
  if (kind === 0) return shuffled(random, { jsonrpc: "2.0", id, result: someObject(random) });
  if (kind === 1)
    return shuffled(random, {
      jsonrpc: "2.0",
      id,
      error: { code: -32000, message: random.pick(TEXTS), data: someValue(random, 3) },
    });
  const method = random.oneIn(3) ? "tools/call" : random.pick([...METHODS, "custom/method", "größe"]);
  const own = paramsOf(random, method);
  const params = shuffled(random, { ...own, _meta: random.oneIn(3) ? metaOf(random) : undefined });
  const hasId = !method.startsWith("notifications/");
  return shuffled(random, {
    jsonrpc: "2.0",
    id: hasId ? id : undefined,
    method,
    params: "cursor" in own && random.oneIn(2) ? undefined : params,
  });
}

function paramsOf(random: Random, method: string): object {
  switch (method) {
    case "tools/call":
      return { name: random.pick(TOOLS), arguments: random.oneIn(10) ? undefined : argumentsOf(random) };
    case "prompts/get":
      return { name: random.pick(PROMPTS), arguments: { language: random.pick(TEXTS) } };
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return { uri: random.oneIn(3) ? `file:///${random.pick(NAMES)}` : random.pick(URIS) };
    case "completion/complete": {
      const isPrompt = random.oneIn(2);
      const ref = isPrompt
        ? { type: "ref/prompt", name: random.pick(PROMPTS) }
        : { type: "ref/resource", uri: random.pick(URIS) };
      return { ref: shuffled(random, ref), argument: { name: "language", value: random.pick(TEXTS) } };
    }
    case "initialize": {
      const clientInfo = shuffled(random, {
        name: random.pick(NAMES),
        version: "1",
      });
      return { protocolVersion: "2025-06-18", capabilities: { sampling: {} }, clientInfo };
    }
    case "tasks/get":
      return { taskId: random.pick(["t", "größer"]) };
    default:
      return { cursor: random.pick(TEXTS), level: "info" };
  }
}

function argumentsOf(random: Random): object {
  const members = Array.from(
    { length: random.size(1, 12) },
    () => [random.pick(ARGUMENTS), someValue(random, 4)] as const,
  );
  const named = {
    path: random.pick(["/tmp/größer", "a".repeat(500)]),
    count: random.below(100),
    options: { mask: "none" },
  };
  const long = random.oneIn(50) ? { document: random.pick(TEXTS).repeat(10_000) } : {};
  return shuffled(random, { ...Object.fromEntries(members), ...(random.oneIn(2) ? named : {}), ...long });
}

function metaOf(random: Random): object {
  return Object.fromEntries(META_KEYS.filter(() => random.oneIn(2)).map((key) => [key, someValue(random, 2)]));
}

function someObject(random: Random): object {
  return Object.fromEntries(Array.from({ length: random.size(1, 6) }, () => [random.pick(KEYS), someValue(random, 3)]));
}

function someValue(random: Random, depth: number): unknown {
  switch (random.below(depth > 0 ? 6 : 4)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.below(1000) / 8;
    case 2:
      return random.pick([true, false, null]);
    case 3:
      return random.pick(TEXTS).repeat(random.size(1, 20));
    case 4:
      return Array.from({ length: random.below(5) }, () => someValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(5) }, () => [random.pick(KEYS), someValue(random, depth - 1)]),
      );
  }
}

/**
 * Changes the spelling of texts and numbers to any that JSON allows, but not of the names that affect the decision,
 * which must not be escaped.
 */
function respell(random: Random, root: Node): void {
  for (const node of nodesIn(root)) {
    if (node.type === "text" && node.text.startsWith('"') && random.oneIn(10)) node.text = escaped(random, node.text);
    if (node.type === "text" && /^\d+\.\d+$/.test(node.text)) node.text = random.pick(NUMBERS);
    if (node.type !== "object") continue;
    for (const member of node.members) {
      if (["traceparent", "text", "query", "limit", "a", "b"].includes(member.key.slice(1, -1)))
        member.key = escaped(random, member.key);
    }
  }
}

function shuffled<Value extends object>(random: Random, value: Value): Value {
  const members = Object.entries(value);
  for (let at = members.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [members[at], members[other]] = [members[other], members[at]];
  }
  return Object.fromEntries(members) as Value;
}
