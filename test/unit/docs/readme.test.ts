/** The README quotes docs/performance.md. With MCP_WRITE_TABLES=1 the test writes the quoted table. */
import { readFileSync } from "node:fs";
import { it } from "vitest";
import { expectTable } from "../../tables.ts";

/** The workloads that the README shows, by the beginnings of their titles. */
const SHOWN = ["(a)", "(c)", "(d)", "(e)", "(g)", "(j-get)"];
/** The columns that it shows: their headers there and in docs/performance.md. */
const COLUMNS = [
  ["CPU µs/request", "CPU µs/request"],
  ["no filter", "no filter"],
  ["this filter adds", "tokens adds"],
  ["native adds", "native adds"],
];

it("the README shows what the defaults cost as docs/performance.md has it", () => {
  const [, section] = readFileSync("docs/performance.md", "utf8").split("\n## CPU per request\n");
  const [header, , ...rows] = section
    .split("\n## ")[0]
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const indices = COLUMNS.map(([, column]) => header.indexOf(column));
  const shown = rows.filter(([title]) => SHOWN.some((id) => title.startsWith(id)));
  expectTable(
    "README.md",
    "cost",
    COLUMNS.map(([name]) => name),
    shown.map((cells) => indices.map((index) => cells[index])),
  );
});
