import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the module has at most 174 KiB", () => {
  expect(readFileSync("build/mcp.wasm").byteLength).toBeLessThanOrEqual(174 * 1024);
});
