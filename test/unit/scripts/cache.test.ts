/** Folders that are made once and kept. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { cachedFolder } from "../../../scripts/cache.ts";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "mcp-cache-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

let makers = 0;

/** Makes a folder with a file that holds the maker's number. */
async function make(folder: string): Promise<void> {
  const maker = ++makers;
  await Promise.resolve();
  mkdirSync(folder);
  writeFileSync(join(folder, "maker"), String(maker));
}

const left = () => readdirSync(join(cache, "mcp-proxy-wasm")).sort();

it("several who need a folder at once wait for the one that makes it", async () => {
  const before = makers;
  const folders = await Promise.all([1, 2, 3].map(() => cachedFolder("program", make)));
  expect(makers).toBe(before + 1);
  expect(new Set(folders).size).toBe(1);
  expect(readFileSync(join(folders[0], "maker"), "utf8")).toBe(String(makers));
  expect(left()).toEqual(["program"]);
});

it("the next one makes it where the first one failed, and nothing else is left", async () => {
  let begin = () => {};
  const hasBegun = new Promise<void>((resolve) => (begin = resolve));
  const failing = cachedFolder("program", () => {
    begin();
    return Promise.reject(new Error("no network"));
  });
  const failed = expect(failing).rejects.toThrow("no network");
  // Not before: which of two that begin at once comes first is open.
  await hasBegun;
  const next = cachedFolder("program", make);
  await failed;
  expect(existsSync(await next)).toBe(true);
  expect(left()).toEqual(["program"]);
});

it("the lock of a maker that was killed ends by its age", async () => {
  const lock = join(cache, "mcp-proxy-wasm", "program.lock");
  mkdirSync(join(cache, "mcp-proxy-wasm"));
  writeFileSync(lock, "");
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(lock, longAgo, longAgo);
  expect(existsSync(await cachedFolder("program", make))).toBe(true);
  expect(left()).toEqual(["program"]);
});

it("waiting ends where it is aborted", async () => {
  mkdirSync(join(cache, "mcp-proxy-wasm"));
  writeFileSync(join(cache, "mcp-proxy-wasm", "program.lock"), "");
  const stop = new AbortController();
  const waiting = cachedFolder("program", make, stop.signal);
  stop.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
});
