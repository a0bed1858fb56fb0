import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the module has at most 160 KiB", () => {
  expect(readFileSync("build/mcp.wasm").byteLength).toBeLessThanOrEqual(160 * 1024);
});
