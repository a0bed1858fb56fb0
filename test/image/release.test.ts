/** `npm run release`: complete, consistent, and the same from two clones of a tag. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { effort } from "../effort.ts";

const MINUTES = 60_000;
const IMAGE = "ghcr.io/example/mcp-proxy-wasm";
const SOURCE = "https://example.com/mcp-proxy-wasm";
const ARGS = ["--image", IMAGE, "--source", SOURCE];

const { name, version } = JSON.parse(readFileSync("package.json", "utf8")) as { name: string; version: string };
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "mcp-release-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A repository with this checkout's files, committed and tagged as a release. */
const tagged = join(folder, "tagged");
const git = (...args: string[]) => run("git", ["-C", tagged, ...args]);

async function makeTag(): Promise<void> {
  const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
  for (const path of stdout.split("\0").filter((path) => path !== "")) {
    mkdirSync(dirname(join(tagged, path)), { recursive: true });
    cpSync(path, join(tagged, path), { force: true, errorOnExist: false });
  }
  const changelog = readFileSync("CHANGELOG.md", "utf8").replace(/^## Unreleased$/m, `## ${version} - 2026-01-02`);
  writeFileSync(join(tagged, "CHANGELOG.md"), changelog);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  await git(...who, "commit", "--quiet", "--no-gpg-sign", "--date=2026-01-02T03:04:05Z", "--message=Release");
  await git("tag", `v${version}`);
}

/** Makes a release of a checkout and returns the folder of its files. */
async function release(checkout: string, output: string): Promise<string> {
  await run(process.execPath, ["--import", "tsx", "scripts/release.ts", "--output", output, ...ARGS], {
    cwd: checkout,
  });
  return output;
}

const made = join(folder, "made");
const read = (file: string) => readFileSync(join(made, file));
const untar = async (file: string, ...args: string[]) => (await run("tar", ["-xf", join(made, file), ...args])).stdout;

beforeAll(async () => {
  await makeTag();
  symlinkSync(join(process.cwd(), "node_modules"), join(tagged, "node_modules"));
  // .gitignore names a folder, which a link is not.
  writeFileSync(join(tagged, ".git/info/exclude"), "node_modules\n");
  await release(tagged, made);
}, 5 * MINUTES);

it("has all files, and sha256sum checks them", async () => {
  expect(readdirSync(made).sort()).toEqual(
    [
      ...["CHANGELOG.md", "SHA256SUMS", "image-digest.txt"],
      ...["mcp.wasm", "mcp-nginx.wasm", "mcp-lite.wasm"],
      ...["-envoy.tar.gz", ".cdx.json", ".oci.tar", ".tgz"].map((end) => `${name}-${version}${end}`),
    ].sort(),
  );
  const { stdout } = await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: made });
  expect(stdout.match(/: OK$/gm)).toHaveLength(9);
  expect(read("CHANGELOG.md").toString()).toMatch(/^Format of shared data/);
});

it("the package and the image have the same module", async () => {
  for (const module of ["mcp.wasm", "mcp-nginx.wasm", "mcp-lite.wasm"]) {
    await untar(`${name}-${version}.tgz`, "-C", folder, `package/build/${module}`);
    expect(readFileSync(join(folder, "package/build", module)).equals(read(module))).toBe(true);
  }
  const { stdout } = await run("tar", ["-tvf", join(made, `${name}-${version}.tgz`)]);
  expect(stdout).toMatch(/^-rwxr-xr-x 0\/0 .* package\/dist\/cli\.js$/m);
  const index = JSON.parse(await untar(`${name}-${version}.oci.tar`, "-O", "index.json")) as {
    manifests: { digest: string }[];
  };
  expect(read("image-digest.txt").toString()).toBe(`${IMAGE}@${index.manifests[0].digest}\n`);
});

describe("the files for meshes", () => {
  let hash: string;
  const files = join(folder, "envoy");
  beforeAll(async () => {
    await untar(`${name}-${version}-envoy.tar.gz`, "-C", folder);
    hash = read("image-digest.txt").toString().trim().split("@sha256:")[1];
  });

  it("are those of the checkout, and nothing is left to fill in", () => {
    const paths = readdirSync(files, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const original = readdirSync("envoy", { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(paths).toHaveLength(original.length);
    const unfilled = paths.filter(({ parentPath, name }) => {
      return (
        /\.(yaml|hcl)$/.test(name) &&
        /registry\.example|"0{64}"|: 0\.1/.test(readFileSync(join(parentPath, name), "utf8"))
      );
    });
    expect(unfilled.map(({ name }) => name)).toEqual([]);
  });

  it("name the image by its digest, and the module by its hash", () => {
    const at = (path: string) => parseAllDocuments(readFileSync(join(files, path), "utf8"))[0].toJS();
    expect(at("istio/sidecar-inbound.yaml").spec.url).toBe(`oci://${IMAGE}@sha256:${hash}`);
    expect(at("gateway/access.yaml").spec.wasm[0].code.image).toEqual({ url: `${IMAGE}:${version}`, sha256: hash });
    const module = /^(\w+) {2}mcp\.wasm$/m.exec(read("SHA256SUMS").toString())![1];
    expect(at("gateway/extension-policy-http.yaml").spec.wasm[0].code.http.sha256).toBe(module);
    expect(readFileSync(join(files, "consul/service-defaults-remote.hcl"), "utf8")).toContain(`SHA256 = "${module}"`);
  });
});

it("the bill of materials has what is needed at run time and what is compiled in, and no time but the tag's", async () => {
  const bill = JSON.parse(read(`${name}-${version}.cdx.json`).toString());
  const { stdout } = await git("show", "--no-patch", "--format=%ct", "HEAD");
  expect(bill.metadata.timestamp).toBe(new Date(1000 * Number(stdout)).toISOString());
  expect(bill).not.toHaveProperty("serialNumber");
  const names = bill.components.map((component: { name: string }) => component.name);
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: object };
  const unscoped = (name: string) => name.split("/").at(-1);
  expect(names.map(unscoped)).toEqual(
    expect.arrayContaining([...Object.keys(dependencies).map(unscoped), "assemblyscript"]),
  );
  expect(names).not.toContain("vitest");
  expect(bill.metadata.component.name).toBe(name);
});

it("is refused with changes, and without the tag", async () => {
  const refused = async () => {
    const ended = release(tagged, join(folder, "refused"));
    return ended.catch((error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }));
  };
  writeFileSync(join(tagged, "LICENSE"), "changed");
  expect(await refused()).toEqual({ code: 2, stderr: expect.stringContaining('"M LICENSE": release a clean one') });
  await git("checkout", "--quiet", "LICENSE");
  await git("tag", "--delete", `v${version}`);
  expect(await refused()).toEqual({ code: 2, stderr: expect.stringContaining(`git checkout v${version}`) });
  await git("tag", `v${version}`);
});

it.runIf(effort(false, true))(
  "is the same from two fresh clones, elsewhere and at another time",
  { timeout: 20 * MINUTES },
  async () => {
    const elsewhere = [
      { umask: "022", zone: "UTC" },
      { umask: "077", zone: "Asia/Tokyo" },
    ];
    for (const [index, { umask, zone }] of elsewhere.entries()) {
      const clone = join(folder, `clone-${index}`);
      await run("git", ["clone", "--quiet", tagged, clone]);
      const output = join(folder, `made-${index}`);
      const command = `umask ${umask} && export TZ=${zone} && npm ci && exec npm run release -- "$@"`;
      await run("/bin/sh", ["-c", command, "sh", "--output", output, ...ARGS], { cwd: clone, maxBuffer: 1 << 26 });
      expect(readFileSync(join(output, "SHA256SUMS"), "utf8")).toBe(read("SHA256SUMS").toString());
    }
  },
);
