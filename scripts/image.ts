/**
 * `npm run image`: creates an OCI image of the built filter that Istio and Envoy Gateway can pull, and the module's
 * sha256.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { annotationsOf, type Package } from "./image/annotations.ts";
import { tar } from "./image/archive.ts";
import { makeImage, sha256 } from "./image/layout.ts";

const MODULE = "build/mcp.wasm";
const LAYOUT = "build/image";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Package;
const { name, version, homepage } = manifest;

const { source } = new Command("npm run image --")
  .description(
    "Makes an OCI image of the filter in build/: an image layout, the same as one file, the module's sha256.",
  )
  .option("--source <url>", "where the image says its source is (default: package.json's homepage)", url, homepage)
  .parse()
  .opts<{ source?: string }>();

const module = readFileSync(MODULE);
const { files, digest } = await makeImage(module, version, annotationsOf(manifest, source));

rmSync(LAYOUT, { recursive: true, force: true });
for (const [path, bytes] of files) {
  mkdirSync(dirname(join(LAYOUT, path)), { recursive: true });
  writeFileSync(join(LAYOUT, path), bytes);
}
const archive = `build/${name}-${version}.oci.tar`;
writeFileSync(archive, await tar(files));
// In the format of `sha256sum`, relative to the module's folder.
writeFileSync(`${MODULE}.sha256`, `${sha256(module)}  mcp.wasm\n`);

console.log(`image   ${digest}`);
console.log(`        ${LAYOUT} (OCI image layout, tag ${version})`);
console.log(`        ${archive} (the same in one file)`);
console.log(`module  sha256:${sha256(module)}`);
console.log(`        ${MODULE}, ${MODULE}.sha256`);
if (source === undefined) console.log("The image does not say where its source is: --source <url> makes it.");

function url(value: string): string {
  if (!URL.canParse(value)) throw new InvalidArgumentError("Expected a URL.");
  return value;
}
