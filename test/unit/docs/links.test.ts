/** Links between the pages of the repository lead to files and headings that are there; other links are well-formed. */
import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";
import { PAGES, proseOf } from "./pages.ts";

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

/** All links of a page. */
function linksOf(path: string): string[] {
  const prose = proseOf(path).replace(/`[^`\n]*`/g, "");
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)];
  const references = [...prose.matchAll(/^\[[^\]]+\]: +(\S+)/gm)];
  return [...inline, ...references].map(([, target]) => target);
}

const isExternal = (link: string) => /^[a-z]+:/.test(link);

/** What is wrong with a link to another site; empty if its form is right. */
function externalFaultOf(link: string): string {
  if (!URL.canParse(link)) return `${link}: no URL`;
  const { protocol, hostname, href, username } = new URL(link);
  if (protocol !== "https:" || !hostname.includes(".") || username !== "") return `${link}: no address of a site`;
  // A parser changes what a writer did not mean: spaces, capitals in the host, dot segments.
  return href === link || href === `${link}/` ? "" : `${link}: should be ${href}`;
}

/** What is wrong with a link; empty if it leads somewhere. */
function faultOf(page: string, link: string): string {
  if (isExternal(link)) return externalFaultOf(link);
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

it("there are links, to headings and to other sites as well", () => {
  const links = PAGES.flatMap(linksOf);
  expect(links.filter(isExternal).length).toBeGreaterThan(10);
  expect(links.length).toBeGreaterThan(200);
  expect(links.filter((link) => link.includes("#")).length).toBeGreaterThan(50);
});
