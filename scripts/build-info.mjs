/**
 * A transform of asc: writes the version (package.json) and the revision into assembly/stats/build.ts. The revision is
 * a hash of the compiled sources, so that the same sources give the same bytes in a checkout and in a source archive.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Transform } from "assemblyscript/transform";

const FILE = "assembly/stats/build.ts";
const OURS = "assembly/";
const REVISION_DIGITS = 12;

export default class BuildInfo extends Transform {
  afterParse(parser) {
    const file = parser.sources.find(({ normalizedPath }) => normalizedPath === FILE);
    if (file === undefined) return;
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    const values = { VERSION: version, REVISION: revisionOf(parser.sources) };
    for (const { name, initializer } of file.statements.flatMap(({ declarations = [] }) => declarations)) {
      if (name.text in values) initializer.value = values[name.text];
    }
  }
}

function revisionOf(sources) {
  const hash = createHash("sha256");
  const ours = sources.filter(({ normalizedPath }) => normalizedPath.startsWith(OURS));
  const byPath = new Map(ours.map(({ normalizedPath, text }) => [normalizedPath, text]));
  for (const path of [...byPath.keys()].sort()) hash.update(`${path}\0${byPath.get(path)}\0`);
  return hash.digest("hex").slice(0, REVISION_DIGITS);
}
