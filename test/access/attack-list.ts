/** Ways to smuggle a call past the policy: the body of each, and the expected verdict. */
import * as mcp from "../envoy/mcp-messages.ts";

/** The tool that the policy allows for everybody, and one that it allows for nobody. */
export const ALLOWED = "get_weather";
export const FORBIDDEN = "charge_card";

/**
 * `denied` if the call is recognized, `rewritten` if it goes on with a method that no server knows, otherwise the
 * reason for rejecting the request.
 */
export type Verdict = "denied" | "rewritten" | `refused ${string}`;

type Body = string | Buffer;

/** A call of the tool, with `mark` among its arguments. */
export function call(tool: string, mark: string): string {
  return mcp.request(1, "tools/call", { name: tool, arguments: { mark } });
}

/** A call of the forbidden tool, with a text inserted at a place where another member would decide. */
function doubled(at: string, put: string): (mark: string) => string {
  return (mark) => call(FORBIDDEN, mark).replace(at, put);
}

const PING = mcp.request(1, "ping");

/** Bodies of an ordinary MCP POST. */
export const BODIES: [what: string, verdict: Verdict, body: (mark: string) => Body][] = [
  ["a plain call", "denied", (mark) => call(FORBIDDEN, mark)],
  ["white space all around", "denied", (mark) => ` \r\n\t${call(FORBIDDEN, mark)}\n `],
  ["an escaped name", "denied", (mark) => call(FORBIDDEN, mark).replace("charge_card", "charge\\u005fcard")],
  ["an escaped method", "denied", (mark) => call(FORBIDDEN, mark).replace("tools/call", "tools\\/call")],
  ["a name of other case", "denied", (mark) => call("Charge_Card", mark)],
  ["a method of other case", "denied", (mark) => call(ALLOWED, mark).replace("tools/call", "Tools/Call")],
  ["a method with a space", "denied", (mark) => call(ALLOWED, mark).replace("tools/call", "tools/call ")],
  ["a name that is a list", "denied", (mark) => call(ALLOWED, mark).replace(`"${ALLOWED}"`, `["${ALLOWED}"]`)],
  ["no name", "denied", (mark) => call(ALLOWED, mark).replace(`"name":"${ALLOWED}",`, "")],
  ["params behind 300 KiB", "denied", (mark) => mcp.request(1, "tools/call", padded(mark))],
  ["a method twice", "refused duplicate_key", doubled('"method"', '"method":"ping","method"')],
  ["a method twice, the other way", "refused duplicate_key", doubled('"params"', '"method":"ping","params"')],
  ["params twice", "refused duplicate_key", doubled('"params"', `"params":{"name":"${ALLOWED}"},"params"`)],
  ["a name twice", "refused duplicate_key", doubled('"arguments"', `"name":"${ALLOWED}","arguments"`)],
  ["an argument twice", "refused duplicate_key", doubled('{"mark"', '{"path":"/tmp/a","path":"/etc","mark"')],
  ["an id twice", "refused duplicate_key", doubled('"method"', '"id":2,"method"')],
  ["a method of upper case", "refused case_variant_key", doubled('"method"', '"method":"ping","METHOD"')],
  ["a name of upper case", "refused case_variant_key", doubled('"arguments"', `"Name":"${ALLOWED}","arguments"`)],
  ["the long s in params", "refused case_variant_key", doubled('"params"', '"param\u017f"')],
  ["the Kelvin sign in taskId", "refused case_variant_key", doubled('{"name"', '{"tas\u212aId":"1","name"')],
  ["an escaped key", "refused escaped_key", doubled('"method"', '"method":"ping","\\u006dethod"')],
  ["an escaped key within", "refused escaped_key", doubled('"name"', `"name":"${ALLOWED}","n\\u0061me"`)],
  ["NUL behind a name", "refused bad_text", (mark) => call(ALLOWED, mark).replace(ALLOWED, `${ALLOWED}\\u0000`)],
  ["half a surrogate pair", "refused bad_text", (mark) => call(ALLOWED, mark).replace(ALLOWED, "get_\\ud800")],
  ["a fraction for an id", "refused bad_id", doubled('"id":1', '"id":1.5')],
  ["null for an id", "refused bad_id", doubled('"id":1', '"id":null')],
  ["a list for an id", "refused bad_id", doubled('"id":1', '"id":[1]')],
  ["a method and a result", "refused no_message", doubled('"method"', '"result":{},"method"')],
  ["text instead of a message", "refused no_message", (mark) => JSON.stringify(call(FORBIDDEN, mark))],
  ["a second document", "refused not_json", (mark) => `${PING}${call(FORBIDDEN, mark)}`],
  ["a second document on a line", "refused not_json", (mark) => `${PING}\n${call(FORBIDDEN, mark)}`],
  ["NUL behind the document", "refused not_json", (mark) => `${call(ALLOWED, mark)}\0`],
  ["a byte order mark", "refused not_json", (mark) => `\ufeff${call(ALLOWED, mark)}`],
  ["a comment", "refused not_json", (mark) => `/* */${call(ALLOWED, mark)}`],
  ["NaN", "refused not_json", (mark) => call(ALLOWED, mark).replace(`"${mark}"`, `NaN,"m":"${mark}"`)],
  ["a comma at the end", "refused not_json", (mark) => call(ALLOWED, mark).replace("}}}", "},}}")],
  ["single quotes", "refused not_json", (mark) => call(ALLOWED, mark).replaceAll('"', "'")],
  ["UTF-16", "refused not_json", (mark) => Buffer.from(call(ALLOWED, mark), "utf16le")],
  [
    "bad UTF-8",
    "refused not_utf8",
    (mark) => Buffer.from(`${call(ALLOWED, mark).slice(0, -3)},"x":"\xff"}}`, "latin1"),
  ],
  ["deep nesting", "refused too_deep", (mark) => call(ALLOWED, mark).replace('"mark"', nested())],
  ["a cut document", "refused not_json", (mark) => call(FORBIDDEN, mark).slice(0, -1)],
  ["a batch", "rewritten", (mark) => `[${PING},${call(FORBIDDEN, mark)}]`],
  ["a batch, the call first", "rewritten", (mark) => `[${call(FORBIDDEN, mark)},${PING}]`],
  ["a batch of denied calls", "denied", (mark) => `[${call(FORBIDDEN, mark)},${call(FORBIDDEN, mark)}]`],
  ["a batch with it as a notification", "rewritten", (mark) => `[${PING},${asNotification(call(FORBIDDEN, mark))}]`],
  ["a batch in a batch", "refused bad_batch", (mark) => `[[${call(FORBIDDEN, mark)}]]`],
  ["a batch too long", "refused bad_batch", (mark) => `[${`${PING},`.repeat(200)}${call(FORBIDDEN, mark)}]`],
  ["an empty batch behind which more comes", "refused not_json", (mark) => `[]${call(FORBIDDEN, mark)}`],
  ["beyond the bound", "refused too_large", (mark) => call(ALLOWED, `${mark}${"x".repeat(600 * 1024)}`)],
];

/** The same call without an id, so that nobody waits for its response. */
export function asNotification(request: string): string {
  return request.replace('"id":1,', "");
}

function padded(mark: string): object {
  return { pad: "x".repeat(300 * 1024), name: FORBIDDEN, arguments: { mark } };
}

function nested(): string {
  const depth = 600;
  return `"deep":${"[".repeat(depth)}${"]".repeat(depth)},"mark"`;
}
