/** `npm run test:full`: Perses' own model accepts envoy/dashboards/perses.json, and knows each of its fields. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasComponent } from "../components.ts";
import { effort } from "../effort.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";

const PATH = "envoy/dashboards/perses.json";
const TEXT = readFileSync(PATH, "utf8");

describe.runIf(effort(false, true) && hasComponent("go", INSTALL_GO))("Perses", () => {
  const folder = mkdtempSync(join(tmpdir(), "mcp-perses-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let program: string;

  beforeAll(async () => {
    program = await buildGoProgram("perses-model");
  }, 600_000);

  /** Rejects with the reason if Perses refuses the file. */
  const read = (path: string) => promisify(execFile)(program, [path]);

  it("accepts the dashboard", async () => {
    await read(PATH);
  });

  it.each([
    ["an unknown field", '"refreshInterval"', '"refresh"', ".spec.refresh is ignored"],
    ["an unknown kind", '"kind": "Grid"', '"kind": "Table"', 'unknown layout.kind "Table"'],
    ["a key with a space", '"Failed-calls"', '"Failed calls"', "Failed calls"],
  ])("would refuse %s", async (_, right, wrong, reason) => {
    const path = join(folder, "dashboard.json");
    writeFileSync(path, TEXT.replace(right, wrong));
    await expect(read(path)).rejects.toThrow(reason);
  });
});
