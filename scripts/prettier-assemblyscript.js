import assemblyscript from "assemblyscript-prettier";

/** Marks the comments in which the plugin hides decorators from the TypeScript parser. */
const HIDDEN = "MAGIC_ASSEMBLYSCRIPT_PRETTIER_1996";

const printer = assemblyscript.printers["as-estree"];

/**
 * `assemblyscript-prettier`, made idempotent: it prints a blank line before a decorator that no comment precedes, and
 * one more at the next run, so that what `--write` wrote would fail `--check`.
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
