import assemblyscript from "./scripts/prettier-assemblyscript.js";

/** @type {import("prettier").Config} */
export default {
  printWidth: 120,
  overrides: [
    {
      // Decorators on functions are not TypeScript: only the AssemblyScript plugin reads them.
      files: ["assembly/**/*.ts", "test/**/modules/**/*.ts", "**/*.as.ts"],
      options: { plugins: [assemblyscript] },
    },
  ],
};
