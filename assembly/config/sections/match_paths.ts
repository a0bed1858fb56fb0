import { JsonType, JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";
import { quoted, shownValue } from "../values/shown";

const SLASH: i32 = 0x2f;
const STAR: i32 = 0x2a;
const SPACE: i32 = 0x20;
const QUESTION_MARK: i32 = 0x3f;
const NUMBER_SIGN: i32 = 0x23;
const DELETE: i32 = 0x7f;
/** Characters that only regular expressions and templates have, because clients escape them in paths. */
const OF_EXPRESSIONS = "^|[]{}\\";

/**
 * Reads `match.paths`. An entry that no request can match is an error: if ignored, the access policy would not cover a
 * path that the operator named. Returns the valid entries.
 */
export function readMatchPaths(path: string, value: JsonValue, problems: Problems): string[] {
  const paths: string[] = [];
  const texts = problems.texts(path, value);
  for (let i = 0; i < texts.length; i++) {
    const at = itemPath(path, i);
    const item = value.items[i];
    // An item that is not a string has been reported already.
    if (item.type != JsonType.String || item.isCut) continue;
    const fault = faultOf(texts[i]);
    if (fault.length) {
      problems.error(at, fault + ", got " + shownValue(item) + correction(texts[i]));
      continue;
    }
    if (isExpression(texts[i])) {
      problems.warn(
        at,
        "regular expressions and templates are not supported: only a * at the end is special, got " + quoted(texts[i]),
      );
    }
    paths.push(texts[i]);
  }
  return paths;
}

/** What is wrong with a path; empty if it can match. */
function faultOf(path: string): string {
  if (path.length == 0 || path.charCodeAt(0) != SLASH) return 'expected a path that begins with "/"';
  for (let i = 0; i < path.length; i++) {
    const codeUnit = path.charCodeAt(i);
    if (codeUnit == STAR && i < path.length - 1) return "expected a path with * at its end only";
    if (codeUnit == QUESTION_MARK || codeUnit == NUMBER_SIGN) return "expected a path without a query and a fragment";
    if (codeUnit == SPACE) return "expected a path with %20 for a space";
    if (codeUnit < SPACE || codeUnit == DELETE) return "expected a path without control characters";
  }
  return "";
}

/** A suggestion of the path that was probably meant; empty if there is none. */
function correction(text: string): string {
  let path = text.trim();
  const scheme = path.indexOf("://");
  const host = scheme < 0 ? 0 : scheme + 3;
  const slash = path.indexOf("/", host);
  const authority = slash < 0 ? path.slice(host) : path.slice(host, slash);
  if (host > 0 || authority.includes(":") || (slash > 0 && authority.includes("."))) {
    path = slash < 0 ? "/" : path.slice(slash);
  }
  let end = 0;
  while (end < path.length && path.charCodeAt(end) != QUESTION_MARK && path.charCodeAt(end) != NUMBER_SIGN) end++;
  path = path.slice(0, end);
  if (path.length == 0) return "";
  if (path.charCodeAt(0) != SLASH) path = "/" + path;
  return faultOf(path).length ? "" : "; did you mean " + quoted(path) + "?";
}

function isExpression(path: string): bool {
  for (let i = 0; i < path.length; i++) {
    if (OF_EXPRESSIONS.includes(path.charAt(i))) return true;
  }
  return path.endsWith(".*") || path.endsWith("$");
}
