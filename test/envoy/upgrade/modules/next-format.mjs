/** A transform of asc: gives the store another format, and the module another version. */
import { Transform } from "assemblyscript/transform";

/** The constants with their new values, by file. */
const CHANGES = {
  "assembly/store/primitives/store.ts": { FORMAT: "next" },
  "assembly/stats/build.ts": { VERSION: "next" },
};

export default class NextFormat extends Transform {
  afterParse(parser) {
    for (const [path, values] of Object.entries(CHANGES)) {
      const file = parser.sources.find(({ normalizedPath }) => normalizedPath === path);
      const declared = file.statements.flatMap(({ declarations = [] }) => declarations);
      for (const [name, value] of Object.entries(values)) {
        declared.find((declaration) => declaration.name.text === name).initializer.value = value;
      }
    }
  }
}
