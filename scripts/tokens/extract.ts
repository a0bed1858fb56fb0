/** Extracts text for tuning and testing the estimator from files. */
import ts from "typescript";

/** The name of a function that extracts text from a file's content. */
export type Extractor = keyof typeof EXTRACTORS;

/** The minimum number of characters of a paragraph or comment. Shorter ones are rarely prose. */
const MIN_PROSE = 60;

const EXTRACTORS = {
  /** The whole content. */
  text: (content: string) => content,
  /** JSON without white space. */
  "json-minified": (content: string) => JSON.stringify(JSON.parse(content)),
  /** The string values in JSON, but not its keys. */
  "json-strings": (content: string) => jsonStrings(JSON.parse(content)).join("\n"),
  /** The messages in JSON of the form `{"key": {"message": "…"}}`. */
  "json-messages": (content: string) =>
    Object.values(JSON.parse(content) as Record<string, { message: string }>)
      .map(({ message }) => message)
      .join("\n"),
  /** The string literals of JavaScript, except property names and module names. */
  "js-strings": (content: string) => jsStrings(content).join("\n"),
  /** The paragraphs of Markdown, without code, headings, tables, HTML and link targets. */
  "markdown-prose": markdownProse,
  /** The visible text of HTML. */
  "html-text": htmlText,
  /** The documentation comments of JavaScript or TypeScript, without their stars and examples. */
  "doc-comments": docComments,
};

/** Extracts the text of a file's content. */
export function extract(extractor: Extractor, content: string): string {
  return EXTRACTORS[extractor](content.replace(/^\uFEFF/, ""));
}

function jsonStrings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(jsonStrings);
}

function jsStrings(content: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateLiteralToken(node) || (ts.isStringLiteral(node) && isValue(node))) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("file.js", content, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS));
  return found;
}

function isValue(literal: ts.StringLiteral): boolean {
  const { parent } = literal;
  if (ts.isPropertyAssignment(parent)) return parent.name !== literal;
  if (ts.isElementAccessExpression(parent)) return parent.argumentExpression !== literal;
  // "use strict"
  if (ts.isExpressionStatement(parent)) return false;
  return !ts.isImportDeclaration(parent) && !ts.isExportDeclaration(parent);
}

function markdownProse(content: string): string {
  const text = content
    .replaceAll("\r\n", "\n")
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .replace(/^( *)(```+|~~~+)[\s\S]*?^ *\2.*$/gm, "")
    .replace(/<!--[\s\S]*?-->/g, "");
  return text
    .split(/\n\s*\n/)
    .filter((part) => !/^(\s{4,}|\s*[#|<[!]|\s*[-=]{3,})/.test(part))
    .map((part) => part.trim())
    .filter((part) => part.length >= MIN_PROSE)
    .map((part) => part.replace(/!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, "$1"))
    .join("\n\n");
}

function htmlText(content: string): string {
  return content
    .replace(/<(script|style|pre)\b(?![^>]*text\/(?:html|x-red))[\s\S]*?<\/\1>/gi, "")
    .replace(/<[^>]+>/g, "")
    .replaceAll("&nbsp;", " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replace(/[ \t]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function docComments(content: string): string {
  return [...content.matchAll(/\/\*\*([\s\S]*?)\*\//g)]
    .map(([, comment]) => comment.replace(/^[ \t]*\*[ ]?/gm, "").replace(/^( *)```[\s\S]*?^ *```.*$/gm, ""))
    .map((comment) => comment.trim())
    .filter((comment) => comment.length >= MIN_PROSE)
    .join("\n\n");
}
