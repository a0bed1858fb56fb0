import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the module has at most 184 KiB", () => {
  expect(readFileSync("build/mcp.wasm").byteLength).toBeLessThanOrEqual(184 * 1024);
});
