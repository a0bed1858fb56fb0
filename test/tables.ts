/** Tables in pages of docs/ that tests compare with what they have seen, or write with MCP_WRITE_TABLES=1. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

/** Expects that the table between `<!-- name -->` and `<!-- /name -->` has these rows in this order; or writes it. `isPart`:
 *  something could not be run here, so the page has further rows. */
export function expectTable(page: string, name: string, header: string[], rows: string[][], isPart = false): void {
  const between = new RegExp(`(?<=<!-- ${name} -->\n).*?(?=<!-- /${name} -->)`, "s");
  const text = readFileSync(page, "utf8");
  if (process.env.MCP_WRITE_TABLES) {
    if (isPart) throw new Error(`${page} is not written, since not all could be run`);
    const lines = [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
    writeFileSync(
      page,
      text.replace(between, () => `\n${lines.join("\n")}\n\n`),
    );
    return;
  }
  const [shownHeader, ...shown] = cellsOf(between.exec(text)![0]);
  expect(shownHeader).toEqual(header);
  if (isPart) expect(shown).toEqual(expect.arrayContaining(rows));
  else expect(shown).toEqual(rows);
}

/** The cells of a table, however it is laid out, without the line below the header. */
function cellsOf(table: string): string[][] {
  const lines = table.split("\n").filter((line) => line.startsWith("|") && !/^[|\s-]+$/.test(line));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
