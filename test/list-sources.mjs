/** A transform of asc: prints a hash of each source that is compiled, by its path, as JSON; without the standard library's. */
import { createHash } from "node:crypto";
import { Transform } from "assemblyscript/transform";

export default class ListSources extends Transform {
  afterParse({ sources }) {
    const ours = sources.filter(({ normalizedPath }) => !normalizedPath.startsWith("~lib/"));
    const hashes = ours.map(({ normalizedPath, text }) => [normalizedPath, hashOf(text)]);
    process.stdout.write(JSON.stringify(Object.fromEntries(hashes)));
  }
}

function hashOf(text) {
  return createHash("sha256").update(text).digest("hex");
}
