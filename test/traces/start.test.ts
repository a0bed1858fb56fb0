/**
 * `npm start -- --traces` prints the address of the page with the sessions, sends spans there, and leaves nothing
 * running. The page is a stand-in for MLflow here; viewer.test.ts uses the real one.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findEnvoy } from "../../scripts/envoy/binary.ts";
import { viewerFolder } from "../../scripts/start/traces/viewer.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { startCommand } from "../envoy/commands.ts";

const keep = endsAfterAll();
const cache = mkdtempSync(join(tmpdir(), "mcp-viewer-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
const env: NodeJS.ProcessEnv = { XDG_CACHE_HOME: cache, NO_COLOR: "1" };

beforeAll(async () => {
  env.ENVOY_PATH = await findEnvoy();
  const folder = join(cache, "mcp-proxy-wasm", await viewerFolder(), "bin");
  mkdirSync(folder, { recursive: true });
  symlinkSync(resolve("test/fixtures/viewer-stand-in.mjs"), join(folder, "python"));
});

test("the demo's sessions are sent to the page that is printed", async () => {
  const command = keep(startCommand("npm start -- --traces", env));
  const [, page] = await command.shows(/^ {2}traces {6}(http:\/\/127\.0\.0\.1:\d+\/sessions)$/m);
  expect(command.output().match(/^ {2}proxy /gm)).toHaveLength(2);

  const received = async () => (await fetch(new URL("/received", page))).json() as Promise<object[]>;
  await expect.poll(received, { timeout: 60_000 }).not.toEqual([]);
  const headers = expect.objectContaining({
    host: new URL(page).host,
    "content-type": "application/x-protobuf",
    "x-mlflow-experiment-id": "0",
  });
  for (const request of await received()) expect(request).toEqual({ url: "/v1/traces", headers });

  await command.interrupt();
  expect(command.leftovers()).toEqual([]);
  await expect(fetch(page)).rejects.toThrow();
});
