/** Links between the pages of the repository lead to files and headings that are there. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";

const PAGES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(path));

/** A page without its blocks of code. */
const proseOf = (path: string) => readFileSync(path, "utf8").replace(/^( *)```.*?^\1```$/gms, "");

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(path).matchAll(/^#+ +(.+?) *$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/`/g, "");
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The links of a page that lead to a file of the repository, or within the page. */
function linksOf(path: string): string[] {
  const prose = proseOf(path).replace(/`[^`\n]*`/g, "");
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)];
  const references = [...prose.matchAll(/^\[[^\]]+\]: +(\S+)/gm)];
  return [...inline, ...references].map(([, target]) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** What is wrong with a link; empty where it leads somewhere. */
function faultOf(page: string, link: string): string {
  const [target, anchor] = link.split("#");
  const path = target === "" ? page : normalize(join(dirname(page), decodeURIComponent(target)));
  if (path.startsWith("..") || !existsSync(path)) return `${link}: no such file`;
  if (anchor === undefined) return "";
  if (!statSync(path).isFile() || !path.endsWith(".md")) return `${link}: no page`;
  return anchorsOf(path).has(decodeURIComponent(anchor)) ? "" : `${link}: no such heading`;
}

it.each(PAGES)("%s", (page) => {
  expect(
    linksOf(page)
      .map((link) => faultOf(page, link))
      .filter((fault) => fault !== ""),
  ).toEqual([]);
});

it("there are links, to headings as well", () => {
  const links = PAGES.flatMap(linksOf);
  expect(links.length).toBeGreaterThan(200);
  expect(links.filter((link) => link.includes("#")).length).toBeGreaterThan(50);
});
