/**
 * `npm run release`: makes the files of a release from a clean checkout of its tag. The same tag gives the same files, byte
 * for byte.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { releaseFiles } from "./release/files.ts";
import { ReleaseError, requireTagged } from "./release/checkout.ts";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { output, image, source } = new Command("npm run release --")
  .description("Makes the files of a release from a clean checkout of its tag, v and the version of package.json.")
  .requiredOption("--output <folder>", "where the files are written: a folder that is empty or does not exist")
  .option("--image <repository>", "where the image is going to be pushed", "registry.example.com/mcp-proxy-wasm")
  .option("--source <url>", "where the image and the bill of materials say that the source is")
  .parse()
  .opts<{ output: string; image: string; source?: string }>();

try {
  const folder = resolve(process.env.INIT_CWD ?? ".", output);
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0) throw new ReleaseError(`${output} is not empty: name another folder.`);
  const tag = requireTagged();
  const files = await releaseFiles({ ...tag, image, source });
  for (const [name, bytes] of files) {
    writeFileSync(join(folder, name), bytes);
    console.log(name);
  }
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
