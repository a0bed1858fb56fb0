import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  // AssemblyScript is no TypeScript (decorated functions, operator overloads): asc itself checks it.
  { ignores: ["build/", "dist/", "coverage/", "assembly/", "test/**/modules/", "**/*.as.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrorsIgnorePattern: "^_" }],
      // Callbacks of servers and SDKs are async by their type, whether or not they wait for anything.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ["scripts/**/*.ts", "test/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            ":matches(Literal[value=/^[./]*node_modules.(?!\\*)/], TemplateElement[value.raw=/^[./]*node_modules.(?!\\*)/])",
          message:
            "Import packages by name: a path into node_modules may be of a package that package.json does not name.",
        },
      ],
    },
  },
  {
    // What comes off the wire is untyped until an assertion looks at it.
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    // The page shows names that strangers chose.
    files: ["scripts/page/client/**/*.js"],
    languageOptions: {
      globals: {
        document: "readonly",
        Element: "readonly",
        EventSource: "readonly",
        getComputedStyle: "readonly",
        HTMLElement: "readonly",
        matchMedia: "readonly",
        ResizeObserver: "readonly",
        URLSearchParams: "readonly",
      },
    },
    rules: {
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "Identifier[name=/^(innerHTML|outerHTML|insertAdjacentHTML|setHTML|setHTMLUnsafe|parseHTMLUnsafe|srcdoc|write|writeln|DOMParser|createContextualFragment)$/]",
          message: "Set text as text (textContent, append): names come from strangers.",
        },
        {
          selector: "Literal[value=/^(innerHTML|outerHTML|srcdoc|on[a-z]+|style)$/]",
          message: "Set text as text, and listen with addEventListener.",
        },
      ],
    },
  },
  {
    files: ["**/*.js", "**/*.mjs", "**/*.cjs"],
    languageOptions: {
      globals: {
        AbortController: "readonly",
        AbortSignal: "readonly",
        Buffer: "readonly",
        clearInterval: "readonly",
        clearTimeout: "readonly",
        console: "readonly",
        fetch: "readonly",
        module: "readonly",
        performance: "readonly",
        process: "readonly",
        require: "readonly",
        setInterval: "readonly",
        setTimeout: "readonly",
        URL: "readonly",
      },
    },
  },
);
