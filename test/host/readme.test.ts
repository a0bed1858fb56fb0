/** README.md: the example prints what the page shows. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const PAGE = readFileSync("scripts/host/README.md", "utf8");

function blockOf(language: string): string {
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(PAGE)![1];
}

it("the example prints what the page shows", async () => {
  const args = ["--import", "tsx", "--input-type=module", "--eval", blockOf("ts")];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, FORCE_COLOR: "0" } });
  expect(stdout).toBe(blockOf("text"));
});
