/** Pinned packages from a registry that this file runs. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { gzip, tar } from "../../../scripts/image/archive.ts";
import { FetchError, fetchPackage } from "../../../scripts/tokens/packages.ts";

const MANIFEST = { name: "texts", version: "1.0.0" };
const tarball = gzip(
  await tar(
    new Map([
      ["package/package.json", Buffer.from(JSON.stringify(MANIFEST))],
      ["package/text.txt", Buffer.from("A text.")],
    ]),
  ),
);
const INTEGRITY = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
const OTHER = `sha512-${createHash("sha512").digest("base64")}`;

const registry = createServer((request, response) => {
  if (request.url === "/texts.tgz") response.end(tarball);
  else if (request.url === "/texts") response.end(JSON.stringify(describePackage()));
  else response.writeHead(404).end("{}");
});

function describePackage(): object {
  const { name, version } = MANIFEST;
  const dist = { tarball: `${address}/texts.tgz`, integrity: INTEGRITY };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { name, version, dist } } };
}

let address: string;
beforeAll(async () => {
  await new Promise<void>((listening) => registry.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
});
afterAll(() => registry.close());

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "mcp-packages-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
  vi.stubEnv("npm_config_cache", join(cache, "npm"));
  vi.stubEnv("npm_config_registry", address);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

it("a package is unpacked once", async () => {
  const lines: string[] = [];
  const fetchOnce = () => fetchPackage("texts@1.0.0", INTEGRITY, (line) => lines.push(line));
  const folder = await fetchOnce();
  expect(readFileSync(join(folder, "text.txt"), "utf8")).toBe("A text.");
  expect(await fetchOnce()).toBe(folder);
  expect(lines).toEqual(["Fetching texts@1.0.0"]);
});

it("a tarball other than the pinned one is refused, and nothing is kept of it", async () => {
  const fetched = fetchPackage("texts@1.0.0", OTHER, () => {});
  await expect(fetched).rejects.toThrow(`texts@1.0.0 is pinned as ${OTHER}, but npm fetched ${INTEGRITY}.`);
  await expect(fetched).rejects.not.toThrow(FetchError);
  expect(readdirSync(join(cache, "mcp-proxy-wasm", "packages"))).toEqual([]);
});

it("reports a failed npm command differently from a wrong tarball", async () => {
  const fetched = fetchPackage("missing@1.0.0", INTEGRITY, () => {});
  await expect(fetched).rejects.toThrow(FetchError);
  await expect(fetched).rejects.toThrow("npm could not fetch missing@1.0.0 (E404): check the network.");
});
