import { Problems, itemPath } from "../values/problems";
import { quoted } from "../values/shown";
import { TextMatch } from "./rule_config";
import { anyMatches, anyMatchesAll } from "./glob";

/** Distance from a capital letter to its small letter. */
const CASE: i32 = 0x20;
const SPACE: i32 = 0x20;
const POINT: i32 = 0x2e;
const STAR: i32 = 0x2a;

/** The kind of texts in a list, which determines the characters that they can have. */
export enum TextKind {
  /** A tool, a prompt, a principal or a trust domain. */
  Name,
  /** A URI, a server or any other text, in which most characters are possible. */
  Free,
}

/** Checks lists of patterns. Reports those that contradict each other, and those that look like a misunderstanding. */
export class TextChecks {
  constructor(private problems: Problems) {}

  /**
   * Checks a pair of lists, such as `tools` and `notTools`.
   * @param path the path of the object that has both
   * @param missingMatters whether the rule can apply if the text is missing, as a DENY rule does
   */
  check(path: string, name: string, match: TextMatch, kind: TextKind, missingMatters: bool): void {
    const at = path + "." + name;
    const notAt = path + "." + notName(name);
    this.checkTexts(at, match.values, kind);
    this.checkTexts(notAt, match.notValues, kind);
    if (match.notValues.length == 0 || missingMatters) return;
    if (match.values.length == 0) {
      if (anyMatchesAll(match.notValues)) this.problems.error(notAt, '"*" excludes everything, so this never matches');
      return;
    }
    this.checkExcluded(at, match);
  }

  private checkExcluded(path: string, match: TextMatch): void {
    let excluded = 0;
    for (let i = 0; i < match.values.length; i++) {
      if (anyMatches(match.notValues, match.values[i])) excluded++;
    }
    if (excluded == match.values.length) {
      this.problems.error(path, "all values are excluded by the corresponding not… list, so this never matches");
      return;
    }
    for (let i = 0; i < match.values.length && excluded > 0; i++) {
      if (!anyMatches(match.notValues, match.values[i])) continue;
      this.problems.warn(itemPath(path, i), quoted(match.values[i]) + " is excluded by the corresponding not… list");
    }
  }

  private checkTexts(path: string, texts: string[], kind: TextKind): void {
    for (let i = 0; i < texts.length; i++) {
      const at = itemPath(path, i);
      const text = texts[i];
      if (text.length == 0) {
        this.problems.warn(at, "an empty string matches only an empty string");
      } else if (text.charCodeAt(0) == SPACE || text.charCodeAt(text.length - 1) == SPACE) {
        this.problems.warn(at, quoted(text) + " begins or ends with a space, which must be in the message too");
      } else if (looksLikeExpression(text, kind)) {
        this.problems.warn(
          at,
          quoted(text) + " looks like a regular expression: only * is special here, and matches any characters",
        );
      }
    }
  }
}

/** The name of the excluding list of a list. */
function notName(name: string): string {
  return "not" + String.fromCharCode(name.charCodeAt(0) - CASE) + name.slice(1);
}

/** Whether a text looks like a regular expression. */
function looksLikeExpression(text: string, kind: TextKind): bool {
  if (text.startsWith("^") || text.startsWith(".*")) return true;
  if (kind == TextKind.Free) return false;
  for (let i = 0; i < text.length; i++) {
    if ("|^$()[]{}\\+?".includes(text.charAt(i))) return true;
    // `files.*` names the elements of a namespace; `get_.*` does not.
    const isPair = text.charCodeAt(i) == POINT && i + 1 < text.length && text.charCodeAt(i + 1) == STAR;
    if (isPair && (i + 2 < text.length || !isAlphanumeric(text.charCodeAt(i - 1)))) return true;
  }
  return false;
}

function isAlphanumeric(codeUnit: i32): bool {
  const letter = codeUnit | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (codeUnit >= 0x30 && codeUnit <= 0x39);
}
