/** The files of a release. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { globSync } from "tinyglobby";
import { BUILDS } from "../builds.ts";
import { annotationsOf, type Package } from "../image/annotations.ts";
import { gzip, repacked, tar } from "../image/archive.ts";
import { makeImage, sha256 } from "../image/layout.ts";
import { billOfMaterials } from "./bill-of-materials.ts";
import { sectionOf } from "./changelog.ts";
import { ReleaseError, type Tagged } from "./checkout.ts";
import { filledIn } from "./mesh-files.ts";

const PACKED = "build/release";

/** What a release is made of, besides the checkout. */
export interface ReleaseOptions extends Tagged {
  /** The repository to which the image is going to be pushed. */
  image: string;
  /** The address of the source, for the image's annotations. */
  source?: string;
}

/** The files by name. Builds the modules and the package anew. Throws a {@link ReleaseError} if CHANGELOG.md lacks the version. */
export async function releaseFiles({ version, time, image, source }: ReleaseOptions): Promise<Map<string, Uint8Array>> {
  const notes = sectionOf(readFileSync("CHANGELOG.md", "utf8"), version);
  if (notes === undefined) {
    throw new ReleaseError(`CHANGELOG.md has no section "## ${version}": rename "## Unreleased", and tag that commit.`);
  }
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Package;
  const { name } = manifest;
  // npm keeps the modes that the files have here, and compresses with Node's own zlib.
  const tarball = await repacked(pack(`${name}-${version}.tgz`));
  const module = readFileSync("build/mcp.wasm");
  const layout = await makeImage(module, version, annotationsOf(manifest, source ?? manifest.homepage));
  const digests = { image, version, imageDigest: layout.digest, moduleHash: sha256(module) };

  const text = (content: string) => new TextEncoder().encode(content);
  const files = new Map<string, Uint8Array>([
    ...BUILDS.map(({ module }) => [basename(module), readFileSync(module)] as const),
    [`${name}-${version}.tgz`, tarball],
    [`${name}-${version}.oci.tar`, await tar(layout.files)],
    [`${name}-${version}-envoy.tar.gz`, gzip(await tar(meshFiles(digests)))],
    [`${name}-${version}.cdx.json`, text(billOfMaterials(name, time, digests.moduleHash))],
    ["image-digest.txt", text(`${image}@${layout.digest}\n`)],
    ["CHANGELOG.md", text(`${notes}\n`)],
  ]);
  // In the format of `sha256sum --check`.
  const sums = [...files].map(([file, bytes]) => `${sha256(bytes)}  ${file}\n`);
  return files.set("SHA256SUMS", text(sums.join("")));
}

/** The bytes of the npm package, whose scripts build the module and the command line. */
function pack(tarball: string): Uint8Array {
  rmSync(PACKED, { recursive: true, force: true });
  mkdirSync(PACKED, { recursive: true });
  execFileSync("npm", ["pack", "--silent", "--pack-destination", PACKED], { stdio: ["ignore", "ignore", "inherit"] });
  return readFileSync(join(PACKED, tarball));
}

function meshFiles(digests: Parameters<typeof filledIn>[1]): Map<string, Uint8Array> {
  const paths = globSync("envoy/**");
  return new Map(paths.map((path) => [path, Buffer.from(filledIn(readFileSync(path, "utf8"), digests))]));
}
