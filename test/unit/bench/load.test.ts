/** The sizes that `npm run bench:load` shows, on a module of our own. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sizesOf } from "../../../scripts/bench/load/sections.ts";
import { compile } from "../../../scripts/compile.ts";

test("the sizes of a module's functions, by name, and of its sections", async () => {
  const module = readFileSync(
    await compile("scripts/bench/modules/floor.as.ts", { forProxy: true, flags: ["--debug"] }),
  );
  const { functions, data, total } = sizesOf(module);
  expect([...functions.keys()]).toContain("scripts/bench/modules/floor.as/proxy_on_request_headers");
  const code = [...functions.values()].reduce((sum, size) => sum + size, 0);
  expect(code).toBeGreaterThan(100);
  expect(code + data).toBeLessThan(total);
  // The names of functions are in a custom section, which a release has not.
  expect(total).toBeLessThan(module.length);
});

test("a function without a name is shown by its index", () => {
  const header = Buffer.from("\0asm\x01\0\0\0", "latin1");
  // One type, an imported function, one function whose body has 2 bytes: no locals, and the end.
  const sections = [
    [1, 4, 1, 0x60, 0, 0],
    [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0],
    [3, 2, 1, 0],
    [10, 4, 1, 2, 0, 0x0b],
  ];
  const module = Buffer.concat([header, ...sections.map((bytes) => Buffer.from(bytes))]);
  expect(WebAssembly.validate(module)).toBe(true);
  const { functions, data, total } = sizesOf(module);
  expect([...functions]).toEqual([["function 1", 2]]);
  expect([data, total]).toEqual([0, module.length]);
});
