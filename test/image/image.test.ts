/** The image is pushed to a real registry and pulled back, also by the code that Istio and Envoy Gateway pull it with. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasComponent } from "../components.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { startRegistry } from "./registry.ts";

const SOURCE = "https://example.com/mcp-proxy-wasm";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const FIRST_GO_BUILD_MS = 900_000;

const { name, version, description } = JSON.parse(readFileSync("package.json", "utf8"));
const ARCHIVE = `build/${name}-${version}.oci.tar`;

const run = promisify(execFile);
const module = readFileSync("build/mcp.wasm");
const folder = mkdtempSync(join(tmpdir(), "mcp-image-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let printed = "";
beforeAll(async () => void (printed = (await run("npm", ["run", "image", "--", "--source", SOURCE])).stdout));

/** What the layout's index names: the manifest. */
function manifestDescriptor(layout = "build/image"): { digest: string; size: number; annotations: object } {
  return JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests[0];
}

function pathOf(digest: string): string {
  return join("build/image/blobs", digest.replace(":", "/"));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("it prints what is pulled and checked by", () => {
  expect(printed).toContain(`image   ${manifestDescriptor().digest}\n`);
  expect(printed).toContain(`module  sha256:${sha256(module)}\n`);
});

test("sha256sum checks the module by the file beside it", async () => {
  const { stdout } = await run("sha256sum", ["--check", "--strict", "mcp.wasm.sha256"], { cwd: "build" });
  expect(stdout).toBe("mcp.wasm: OK\n");
});

test("the manifest has one layer, of the type that the fetchers accept, and says what it is", () => {
  const manifest = JSON.parse(readFileSync(pathOf(manifestDescriptor().digest), "utf8"));
  expect(manifest.mediaType).toBe(MANIFEST);
  expect(manifest.layers).toHaveLength(1);
  expect(manifest.layers[0].mediaType).toBe("application/vnd.oci.image.layer.v1.tar+gzip");
  expect(manifest.annotations).toEqual({
    "org.opencontainers.image.title": name,
    "org.opencontainers.image.description": description,
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.source": SOURCE,
  });
  expect(manifestDescriptor().annotations).toEqual({ "org.opencontainers.image.ref.name": version });
});

describe("made again elsewhere", () => {
  const copy = join(folder, "elsewhere");

  /** Makes the image in a copy of the checkout, where the module has another time and files are for their owner alone. */
  async function makeInCopy({ args = [], homepage }: { args?: string[]; homepage?: string }): Promise<string> {
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(join(copy, "build"), { recursive: true });
    for (const path of ["scripts", "build/mcp.wasm"]) cpSync(path, join(copy, path), { recursive: true });
    const manifest = JSON.parse(readFileSync("package.json", "utf8"));
    writeFileSync(join(copy, "package.json"), JSON.stringify({ ...manifest, homepage }));
    symlinkSync(join(process.cwd(), "node_modules"), join(copy, "node_modules"));
    utimesSync(join(copy, "build/mcp.wasm"), 1e9, 1e9);
    const command = 'umask 077 && TZ=Asia/Tokyo exec node --import tsx scripts/image.ts "$@"';
    return (await run("/bin/sh", ["-c", command, "sh", ...args], { cwd: copy })).stdout;
  }

  test.each([{ args: ["--source", SOURCE] }, { homepage: SOURCE }])(
    "it is the same, byte by byte: %o",
    async (from) => {
      await makeInCopy(from);
      expect(readFileSync(join(copy, ARCHIVE)).equals(readFileSync(ARCHIVE))).toBe(true);
      expect(filesOf(join(copy, "build/image"))).toEqual(filesOf("build/image"));
    },
  );

  test("without a source it names none, and says so", async () => {
    expect(await makeInCopy({})).toContain("does not say where its source is");
    const { digest } = manifestDescriptor(join(copy, "build/image"));
    expect(digest).not.toBe(manifestDescriptor().digest);
    const manifest = readFileSync(join(copy, "build/image/blobs", digest.replace(":", "/")), "utf8");
    expect(manifest).not.toContain("image.source");
  });
});

/** The files of a folder, with the hash of each. */
function filesOf(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path.slice(root.length), sha256(readFileSync(path))]).sort());
}

const canPush = [
  hasComponent("docker-registry", "apt-get install docker-registry"),
  hasComponent("skopeo", "apt-get install skopeo"),
].every(Boolean);

describe.runIf(canPush)("in a registry", () => {
  const keep = endsAfterAll();
  let repository: string;
  beforeAll(async () => void (repository = `${keep(await startRegistry()).host}/${name}`));

  /** Pushes an image as its user would, without the user's own credentials. */
  async function push(from: string, tag: string): Promise<void> {
    const env = { ...process.env, REGISTRY_AUTH_FILE: join(folder, "auth.json") };
    const args = ["--insecure-policy", "copy", "--dest-tls-verify=false", from, `docker://${repository}:${tag}`];
    await run("skopeo", args, { env });
  }

  /** GETs what the distribution API has under `path`: `manifests/<tag or digest>`, `blobs/<digest>`. */
  async function get(path: string): Promise<Response> {
    const url = `http://${repository.replace("/", "/v2/")}/${path}`;
    const response = await fetch(url, { headers: { accept: MANIFEST } });
    expect(response.status, url).toBe(200);
    return response;
  }

  test.each([
    { form: "layout", from: `oci:build/image:${version}` },
    { form: "file", from: `oci-archive:${ARCHIVE}` },
  ])("the $form is pushed, and pulled by its digest", async ({ form, from }) => {
    await push(from, form);
    const { digest } = manifestDescriptor();
    expect((await get(`manifests/${form}`)).headers.get("docker-content-digest")).toBe(digest);

    const manifest = Buffer.from(await (await get(`manifests/${digest}`)).arrayBuffer());
    expect(`sha256:${sha256(manifest)}`).toBe(digest);
    const [layer] = JSON.parse(manifest.toString()).layers;
    const blob = Buffer.from(await (await get(`blobs/${layer.digest}`)).arrayBuffer());
    expect(`sha256:${sha256(blob)}`).toBe(layer.digest);
    expect(blob.readUInt32LE(4), "the time in gzip's header").toBe(0);
    expect(await untar(blob, "-tv")).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01 \d\d:\d\d plugin\.wasm\n$/);
    expect(sha256(Buffer.from(await untar(blob, "-xO", "plugin.wasm"), "latin1"))).toBe(sha256(module));
  });

  test("skopeo reads what it is", async () => {
    await push(`oci:build/image:${version}`, version);
    const image = `docker://${repository}:${version}`;
    const { stdout } = await run("skopeo", ["inspect", "--tls-verify=false", "--no-tags", image]);
    expect(JSON.parse(stdout)).toMatchObject({
      Digest: manifestDescriptor().digest,
      Architecture: "wasm",
      Os: "wasip1",
      Layers: [expect.stringMatching(/^sha256:/)],
    });
  });

  describe.runIf(hasComponent("go", INSTALL_GO))("by the meshes' own code", () => {
    let check: string;
    beforeAll(async () => {
      check = await buildGoProgram("image-check");
      await push(`oci:build/image:${version}`, version);
    }, FIRST_GO_BUILD_MS);

    test.each([
      ["application/vnd.oci.layout.header.v1+json", () => "build/image/oci-layout"],
      ["application/vnd.oci.image.index.v1+json", () => "build/image/index.json"],
      [MANIFEST, () => pathOf(manifestDescriptor().digest)],
      ["application/vnd.oci.image.config.v1+json", () => pathOf(configDigest())],
    ])("%s is as specified", async (mediaType, path) => {
      await run(check, ["schema", mediaType, path()]);
    });

    test("the layout's digests, sizes and layer fit together", async () => {
      await run(check, ["layout", "build/image"]);
    });

    function configDigest(): string {
      return JSON.parse(readFileSync(pathOf(manifestDescriptor().digest), "utf8")).config.digest;
    }

    describe.each(["istio", "gateway"])("%s", (mesh) => {
      async function pull(image: string, sha256 = ""): Promise<Buffer> {
        const output = join(folder, `${mesh}.wasm`);
        rmSync(output, { force: true });
        await run(check, [mesh, `oci://${repository}${image}`, sha256, output]);
        return readFileSync(output);
      }

      test("pulls the module by tag, by digest, and with the image's sha256", async () => {
        const { digest } = manifestDescriptor();
        expect((await pull(`:${version}`)).equals(module)).toBe(true);
        expect((await pull(`@${digest}`)).equals(module)).toBe(true);
        expect((await pull(`:${version}`, digest.replace("sha256:", ""))).equals(module)).toBe(true);
      });

      test("refuses it with another sha256, such as the module's own", async () => {
        await expect(pull(`:${version}`, sha256(module))).rejects.toThrow(/does not match/);
      });
    });
  });
});

/** What the system's tar writes to standard output of an archive that is compressed; as `latin1`, one byte a character. */
async function untar(archive: Buffer, ...args: string[]): Promise<string> {
  const env = { ...process.env, TZ: "UTC" };
  const child = run("tar", ["-z", "-f", "-", ...args], { env, encoding: "latin1", maxBuffer: 1 << 26 });
  child.child.stdin!.end(archive);
  return (await child).stdout;
}
