/** Messages with names that the policies mention and names that they do not. */
import type { Random } from "../../../scripts/fuzz/random.ts";

export const METHODS = [
  ...["tools/call", "prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe"],
  ...["completion/complete", "tools/list", "initialize", "ping", "tasks/get", "logging/setLevel"],
  ...["notifications/cancelled", "Tools/Call", "never/heard"],
];
/** Two of them contain U+FFFD, with which parsers replace what they cannot decode. */
export const TOOLS = [
  ...["read_file", "write_file", "delete_all", "secret", "count", "force", "mask", "echo", "sec", "5"],
  ...["odd\ufffd", "even\ufffd"],
];
export const PROMPTS = ["greet", "greet_all", "secret", "secret_plan", "other"];
export const URIS = ["file:///public/a", "file:///secret/b", "file:///secret", "test://x"];
/** URIs, some of which are normalized by URL parsers. */
const ODD_URIS = ["file:///public/../secret", "FILE:///secret/b", "file:///public/%2e%2e/secret", "file:///sec\tret"];
const PATHS = ["/tmp/a", "/etc/passwd", "/tmp/../etc", "", "/tmp/"];
const MASKS = ["task", "kilo", "kilogram", "secret", "secrets", "none"];

/** Returns a random value for a member with this name; for unknown names, any value. */
export function valueFor(random: Random, name: string): unknown {
  switch (name) {
    case "jsonrpc":
      return random.oneIn(20) ? random.pick([2, "1.0", null]) : "2.0";
    case "method":
      return random.oneIn(2) ? "tools/call" : random.pick(METHODS);
    case "id":
      return random.pick([1, 2, 0, -1, "a", "1", 2 ** 53]);
    case "name":
      return random.oneIn(3) ? random.pick(PROMPTS) : random.pick(TOOLS);
    case "uri":
      return uri(random);
    case "type":
      return random.pick(["ref/prompt", "ref/resource"]);
    case "path":
      return random.pick(PATHS);
    case "count":
      return random.pick([0, 1, 5, 7, "5", " 5", "05"]);
    case "force":
      return random.pick([true, false, null, "true", "True", 1]);
    case "mask":
      return random.pick(MASKS);
    case "options":
      return { mask: random.pick(MASKS) };
    case "arguments":
      return argumentsFor(random, random.pick(TOOLS));
    case "ref":
      return reference(random);
    case "params":
      return {
        name: random.pick(TOOLS),
        uri: uri(random),
        ref: reference(random),
        arguments: { path: random.pick(PATHS) },
      };
    default:
      return random.pick([1, "text", null, true, [], {}, { name: "secret" }]);
  }
}

/** Returns a message that servers understand. */
export function message(random: Random): Record<string, unknown> {
  const method = random.oneIn(2) ? "tools/call" : random.pick(METHODS);
  const id = method.startsWith("notifications/") ? undefined : valueFor(random, "id");
  return { jsonrpc: "2.0", id, method, params: paramsFor(random, method) };
}

function paramsFor(random: Random, method: string): unknown {
  if (method === "tools/call") {
    const name = random.pick(TOOLS);
    return { name, arguments: argumentsFor(random, name) };
  }
  if (method === "prompts/get") return { name: random.pick(PROMPTS), arguments: {} };
  if (method.startsWith("resources/")) return { uri: uri(random) };
  if (method === "completion/complete") return { ref: reference(random), argument: { name: "a", value: "b" } };
  if (method === "tasks/get") return { taskId: "t" };
  return random.oneIn(2) ? {} : undefined;
}

function uri(random: Random): string {
  return random.pick(random.oneIn(5) ? ODD_URIS : URIS);
}

function argumentsFor(random: Random, tool: string): object {
  if (tool === "count") return { count: valueFor(random, "count") };
  if (tool === "force") return { force: valueFor(random, "force") };
  if (tool === "mask") return { options: { mask: valueFor(random, "mask") } };
  return { path: valueFor(random, "path"), text: "hello" };
}

function reference(random: Random): object {
  const [prompt, resource] = [
    { type: "ref/prompt", name: random.pick(PROMPTS) },
    { type: "ref/resource", uri: uri(random) },
  ];
  if (random.oneIn(5)) return random.oneIn(2) ? { ...resource, ...prompt } : { ...prompt, ...resource };
  return random.oneIn(2) ? prompt : resource;
}
