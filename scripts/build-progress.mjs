/** A transform of asc: says on standard error what the compiler does, since a build takes up to a minute on a slow machine. */
import { Transform } from "assemblyscript/transform";

/** The kind of a source that the command line names. */
const USER_ENTRY = 1;
/** The compiler adds its runtime in the same way. */
const LIBRARY = "~lib/";

export default class BuildProgress extends Transform {
  afterParse({ sources }) {
    const isEntry = (source) => source.sourceKind === USER_ENTRY && !source.normalizedPath.startsWith(LIBRARY);
    this.entry = sources.find(isEntry).normalizedPath;
    console.error(`Compiling ${this.entry} and ${sources.length - 1} other files`);
  }

  afterCompile() {
    console.error(`Optimizing ${this.entry}`);
  }
}
