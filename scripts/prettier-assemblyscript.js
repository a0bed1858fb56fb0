import assemblyscript from "assemblyscript-prettier";

/** Marks the comments in which the plugin hides decorators from the TypeScript parser. */
const HIDDEN = "MAGIC_ASSEMBLYSCRIPT_PRETTIER_1996";

const printer = assemblyscript.printers["as-estree"];

/**
 * `assemblyscript-prettier`, made idempotent. The original prints a blank line before a decorator without a preceding
 * comment, and another one in the next run, so that the output of `--write` would fail `--check`.
 */
export default {
  ...assemblyscript,
  printers: {
    "as-estree": {
      ...printer,
      printComment(path, options) {
        const text = path.node.value;
        const hidden = text.startsWith(HIDDEN) && text.endsWith(HIDDEN);
        return hidden ? text.slice(HIDDEN.length, -HIDDEN.length) : printer.printComment(path, options);
      },
    },
  },
};
