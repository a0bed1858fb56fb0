import { expect, test } from "vitest";
import type { WasmFilter } from "../../../scripts/bench/bootstrap.ts";
import { parseOptions } from "../../../scripts/bench/options.ts";

function shipped(): WasmFilter {
  const config = { vm_config: { code: { local: { filename: "new.wasm" } } }, configuration: { value: "" } };
  return { name: "mcp", typed_config: { config } };
}

test("--against adds each variant of this filter with the old module, and with the same configuration", async () => {
  const { variants } = parseOptions(["--variants", "none,floor,statistics,policy", "--against", "/old.wasm"]);
  expect(variants.map(({ id }) => id)).toEqual([
    ...["none", "floor", "statistics", "statistics-old"],
    ...["policy-first", "policy-first-old", "policy-last", "policy-last-old"],
  ]);
  for (const at of [2, 4, 6]) {
    const [now, old] = await Promise.all([variants[at], variants[at + 1]].map(({ filter }) => filter(shipped())));
    const { config } = (now as WasmFilter).typed_config;
    expect(config.vm_config.code.local.filename).toBe("new.wasm");
    const expected = { ...config, vm_config: { code: { local: { filename: "/old.wasm" } } } };
    expect((old as WasmFilter).typed_config.config).toEqual(expected);
    expect([variants[at + 1].proof, variants[at + 1].decidedBy]).toEqual(["operations", variants[at].decidedBy]);
  }
});
