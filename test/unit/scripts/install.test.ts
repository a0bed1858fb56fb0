import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("npm installs the dependencies without a warning, as none needs a newer Node", async () => {
  const args = ["ci", "--dry-run", "--offline", "--loglevel=warn"];
  expect((await promisify(execFile)("npm", args)).stderr).toBe("");
});
