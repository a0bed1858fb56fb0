/** A transform of asc: says on standard error what the compiler does, since a build takes up to a minute on a slow machine. */
import { Transform } from "assemblyscript/transform";

export default class BuildProgress extends Transform {
  afterParse({ sources }) {
    console.error(`Compiling ${sources.length} files`);
  }

  afterCompile() {
    console.error("Optimizing the module");
  }
}
