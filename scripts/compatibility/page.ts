/** The table in docs/compatibility.md. */
import { format } from "prettier";
import { testedVersions } from "./versions.ts";

/** The page with the table. */
export const PAGE = "docs/compatibility.md";

const HEADER = ["what", "version", "how the tests use it", "tests"];
const BETWEEN = /(?<=<!-- versions -->\n).*(?=<!-- \/versions -->)/s;

/** The text of the page with the table of {@link testedVersions}, formatted by the project's rules. */
export async function withVersions(text: string): Promise<string> {
  const rows = testedVersions().map(({ what, version, how, where }) => [what, version, how, `\`${where}\``]);
  const lines = [HEADER, HEADER.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const written = text.replace(BETWEEN, () => `\n${lines.join("\n")}\n\n`);
  return format(written, { parser: "markdown" });
}
