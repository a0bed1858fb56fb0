import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the module has at most 156 KiB", () => {
  expect(readFileSync("build/mcp.wasm").byteLength).toBeLessThanOrEqual(156 * 1024);
});
