import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the module has at most 152 KiB", () => {
  expect(readFileSync("build/mcp.wasm").byteLength).toBeLessThanOrEqual(152 * 1024);
});
