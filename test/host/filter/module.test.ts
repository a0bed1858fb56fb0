import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the module has at most 194 KiB", () => {
  expect(readFileSync("build/mcp.wasm").byteLength).toBeLessThanOrEqual(194 * 1024);
});
