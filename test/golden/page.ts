import type { ParserOptions } from "prettier";
import { parsers } from "prettier/plugins/markdown";

/** A fenced block of a page. */
export interface Block {
  /** The first word behind the fence, and the others. */
  readonly name: string;
  readonly settings: string[];
  readonly text: string;
  /** The part of the page between the fences' lines. */
  readonly from: number;
  readonly to: number;
}

/** An input block, and the blocks of traces behind it. */
export interface Case {
  readonly title: string;
  readonly input: Block;
  readonly traces: Block[];
}

/** The part of a Markdown tree (mdast) that is read here. */
interface Node {
  readonly type: string;
  readonly value?: string;
  readonly lang?: string | null;
  readonly meta?: string | null;
  readonly children?: Node[];
  readonly position: { readonly start: { readonly offset: number }; readonly end: { readonly offset: number } };
}

/** The cases of a page. Blocks without a name and shell commands are left out. */
export async function casesOf(page: string): Promise<Case[]> {
  const root = (await parsers.markdown.parse(page, {} as ParserOptions)) as Node;
  const cases: Case[] = [];
  let heading = "";
  let count = 0;
  for (const node of root.children!) {
    if (node.type === "heading") {
      heading = textOf(node);
      count = 0;
    }
    if (node.type !== "code" || !node.lang || node.lang === "sh") continue;
    const block = blockOf(node, page);
    if (block.name === "input") {
      count++;
      cases.push({ title: count > 1 ? `${heading} (${count})` : heading, input: block, traces: [] });
    } else if (cases.length === 0) {
      throw new Error(`a trace without an input: ${block.text}`);
    } else {
      cases[cases.length - 1].traces.push(block);
    }
  }
  return cases;
}

function blockOf(node: Node, page: string): Block {
  const { start, end } = node.position;
  return {
    name: node.lang!,
    settings: node.meta?.split(" ") ?? [],
    text: node.value!,
    from: page.indexOf("\n", start.offset) + 1,
    to: page.lastIndexOf("\n", end.offset - 1),
  };
}

function textOf(node: Node): string {
  return node.value ?? node.children?.map(textOf).join("") ?? "";
}

/** The page with other traces: `written` has one for each block that changes. */
export function rewrite(page: string, written: ReadonlyMap<Block, string>): string {
  const last = [...written].sort(([a], [b]) => b.from - a.from);
  return last.reduce((text, [{ from, to }, trace]) => `${text.slice(0, from)}${trace}${text.slice(to)}`, page);
}
