/**
 * Finds the plugin configurations in Consul's configuration entries in HCL 1. Only strings, comments and braces are read, as far
 * as they are needed to find the values of `Configuration`: no well-kept package reads HCL 1, and those for HCL 2 read `${` in
 * strings in another way and give no positions.
 */
import { absentConfiguration, textConfiguration } from "./configuration.ts";
import type { Found } from "./manifest.ts";
import { fileText, nestedText } from "./text.ts";

/** A comment, a heredoc, a string, a name, or a character of structure. */
const TOKEN =
  /#.*|\/\/.*|\/\*[^]*?\*\/|<<-?(\w+)\r?\n([^]*?)^[ \t]*\1\b|"((?:[^"\\\n]|\\.)*)"|[\w.-]+|[{}[\]=:,]|["<]|\/\*/gm;
const OPEN = "{[";
const CLOSE = "}]";

/** Whether a file is in HCL, by its name or its first field. */
export function isHcl(name: string, text: string): boolean {
  return name.endsWith(".hcl") || /^[ \t]*Kind[ \t]*=/m.test(text);
}

/** The configurations in a text, and the first fault of its strings, comments and braces. */
export function findInHcl(text: string): Found {
  const found: Found = { configurations: [], faults: [] };
  const open: { closing: string; offset: number }[] = [];
  let plugin: number | undefined;
  let before: string[] = [];
  const fail = (message: string, offset: number) => {
    found.faults.push({ severity: "error", configuration: "", path: "", message: `invalid HCL: ${message}`, offset });
    return found;
  };
  for (const match of text.matchAll(TOKEN)) {
    const [token, , heredoc, quoted] = match;
    const { index } = match;
    if (/^(?:#|\/\/|\/\*[^])/.test(token)) continue;
    if (token === '"' || token === "<" || token === "/*") return fail("a string or comment without an end", index);
    if (OPEN.includes(token)) open.push({ closing: CLOSE[OPEN.indexOf(token)], offset: index });
    if (CLOSE.includes(token) && open.pop()?.closing !== token) return fail(`unexpected ${token}`, index);
    if (quoted === "builtin/wasm") plugin ??= index;
    const isValue = before.at(-1) === "=" || before.at(-1) === ":";
    if (isValue && before.at(-2)?.replaceAll('"', "") === "Configuration") {
      const source = heredoc ?? quoted;
      if (source === undefined) return fail("Configuration must be a string", index);
      const start = index + token.indexOf(source, heredoc === undefined ? 1 : token.indexOf("\n") + 1);
      const value = heredoc === undefined ? unquoted(source) : source;
      const style = heredoc === undefined ? "double-quoted" : "unquoted";
      const at = nestedText(fileText(text), value, style, start, start + source.length);
      found.configurations.push(textConfiguration("EnvoyExtensions.Arguments.PluginConfig.Configuration", at));
    }
    before = [...before.slice(-1), token];
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) return fail(`no ${unclosed.closing} for this brace`, unclosed.offset);
  if (found.configurations.length === 0 && plugin !== undefined) {
    found.configurations.push(absentConfiguration("EnvoyExtensions.Arguments.PluginConfig", plugin));
  }
  return found;
}

/** The value of a string in double quotes. HCL has JSON's escapes and a few more. */
function unquoted(source: string): string {
  const simple: Record<string, string> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };
  return source.replaceAll(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([^]))/gi,
    (_, x?: string, u?: string, long?: string, one?: string) => {
      const digits = x ?? u ?? long;
      if (digits !== undefined) return String.fromCodePoint(parseInt(digits, 16));
      return one === undefined ? "" : (simple[one] ?? one);
    },
  );
}
