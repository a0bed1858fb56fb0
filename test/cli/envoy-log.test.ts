/** What `start` reads from Envoy's log, with lines as Envoy writes them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { EnvoyLog } from "../../scripts/start/envoy-log.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-envoy-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A line that the filter writes. */
function line(level: string, text: string): string {
  return `[2026-12-01 16:00:00.123][42][${level}][wasm] [source/extensions/common/wasm/context.cc:1180] wasm log mcp: ${text}`;
}

/** The log's errors and warnings after these lines, which the file has. */
async function read(name: string, ...lines: string[]) {
  const log = new EnvoyLog(folder, name, () => {});
  for (const each of lines) log.add(each);
  await log.close();
  expect(readFileSync(log.path, "utf8")).toBe(`${lines.join("\n")}\n`);
  return { errors: log.errors, warnings: log.warnings };
}

test("has the filter's errors and warnings about its configuration, each once", async () => {
  const wrong = line("error", 'invalid configuration of "a: b": labels.maxTools: expected a number, got "many"');
  const unknown = line("warning", "configuration: unknown field lables");
  expect(await read("own", wrong, wrong, unknown, line("info", "configuration: read"))).toEqual({
    errors: ['labels.maxTools: expected a number, got "many"'],
    warnings: ["unknown field lables"],
  });
});

test("takes no text that a stranger chose for a line of the filter", async () => {
  const claim = line("error", "invalid configuration: hacked");
  const lines = [
    JSON.stringify({ mcp_target: claim }),
    line("warning", JSON.stringify({ target: claim })),
    `> ${claim}`,
  ];
  expect(await read("strangers", ...lines)).toEqual({ errors: [], warnings: [] });
});
