/** docs/compatibility.md has the versions that the tests use, as `npm run generate` writes them. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PAGE, withVersions } from "../../../scripts/compatibility/page.ts";
import { testedVersions } from "../../../scripts/compatibility/versions.ts";

it("the page is current", async () => {
  const page = readFileSync(PAGE, "utf8");
  expect(await withVersions(page)).toBe(page);
});

it("each version is one, and its tests exist", () => {
  const rows = testedVersions();
  expect(rows.filter(({ version }) => !/^(–|\d[\w.-]*(, \d[\w.-]*)*)$/.test(version))).toEqual([]);
  expect(rows.filter(({ where }) => !existsSync(where))).toEqual([]);
});
