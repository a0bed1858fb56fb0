/** The texts that the estimator is tuned on, from packages that packages.json pins. The tests use none of these texts. */
import { type Corpus, corpusOf } from "./corpus.ts";

/** The names of a language in the packages; undefined if a package has no text in it. */
interface Language {
  readonly lighthouse: string;
  readonly blockly: string;
  readonly nodeRed?: string;
  readonly lessons?: string;
}

const LANGUAGES: readonly Language[] = [
  { lighthouse: "zh", blockly: "zh-hans", nodeRed: "zh-CN", lessons: "zh-cn" },
  { lighthouse: "zh-TW", blockly: "zh-hant", nodeRed: "zh-TW", lessons: "zh-tw" },
  { lighthouse: "ja", blockly: "ja", nodeRed: "ja", lessons: "ja" },
  { lighthouse: "ko", blockly: "ko", nodeRed: "ko", lessons: "ko" },
  { lighthouse: "ru", blockly: "ru", nodeRed: "ru", lessons: "ru" },
  { lighthouse: "ar", blockly: "ar" },
  { lighthouse: "hi", blockly: "hi" },
  { lighthouse: "de", blockly: "de" },
  { lighthouse: "fr", blockly: "fr" },
  { lighthouse: "es", blockly: "es" },
  { lighthouse: "el", blockly: "el" },
  { lighthouse: "he", blockly: "he" },
  { lighthouse: "th", blockly: "th" },
  { lighthouse: "ta", blockly: "ta" },
];

export const TUNE: readonly Corpus[] = [
  ...LANGUAGES.flatMap(languageCorpora),
  corpusOf("ar", "@uppy/locales", "lib/ar_SA.js", "js-strings"),
  corpusOf("ar", "primelocale", "ar.json", "json-strings"),
  corpusOf("hi", "@uppy/locales", "lib/hi_IN.js", "js-strings"),
  corpusOf("hi", "primelocale", "hi.json", "json-strings"),
  corpusOf("JSON", "@node-red/nodes", "locales/ja/messages.json"),

  corpusOf("prose", "fastify", "docs/**/*.md", "markdown-prose"),
  corpusOf("prose", "npm", "docs/content/{using-npm,configuring-npm,commands}/*.md", "markdown-prose"),
  corpusOf("prose", "learnyounode", "exercises/*/problem.md", "markdown-prose"),
  corpusOf("prose", "lighthouse", locale("en-US"), "json-messages"),
  corpusOf("Markdown", "fastify", "**/*.md"),
  corpusOf("Markdown", "npm", "docs/content/**/*.md"),
  corpusOf("Markdown", "learnyounode", ["README.md", "exercises/*/problem.md"]),
  corpusOf("Markdown", "lighthouse", "*.md"),

  corpusOf("JavaScript", "fastify", ["fastify.js", "lib/**/*.js"]),
  corpusOf("JavaScript", "google-closure-library", "closure/goog/{ui,net,dom}/*.js"),
  corpusOf("JavaScript", "stylelint", "lib/{rules,utils}/**/*.mjs"),
  corpusOf("JavaScript", "react-native", "Libraries/**/*.js"),
  corpusOf("JavaScript", "bootstrap", "js/src/**/*.js"),
  corpusOf("minified JavaScript", "bootstrap", "dist/js/bootstrap.bundle.min.js"),
  corpusOf("minified JavaScript", "rxjs", "dist/bundles/rxjs.umd.min.js"),
  corpusOf("minified JavaScript", "vega-lite", "build/vega-lite.min.js"),
  corpusOf("TypeScript", "rxjs", "src/internal/**/*.ts"),
  corpusOf("TypeScript", "vega-lite", "src/**/*.ts"),
  corpusOf("TypeScript", "react-native-webview", "src/**/*.{ts,tsx}"),
  corpusOf("Python", "pyright", "dist/typeshed-fallback/stdlib/{asyncio,collections,email,http,json,logging,os}/*.pyi"),
  corpusOf("Python", "pyright", "dist/typeshed-fallback/stubs/{requests,psycopg2,docutils,Markdown,PyYAML}/**/*.pyi"),
  corpusOf("Python", "@vercel/python", "templates/**/*.py"),
  corpusOf("C", "tree-sitter", "vendor/tree-sitter/lib/src/*.c"),
  corpusOf("C", "tree-sitter", "vendor/tree-sitter/lib/**/*.h"),
  corpusOf("C", "better-sqlite3", "deps/sqlite3/sqlite3.c"),
  corpusOf("C++", "react-native", "ReactCommon/**/*.cpp"),
  corpusOf("C++", "better-sqlite3", "src/**/*.{cpp,hpp}"),
  corpusOf("C++", "tree-sitter", "src/**/*.{cc,h}"),
  corpusOf("C#", "edge-js", "src/**/*.cs"),
  corpusOf("Objective-C", "react-native", "{React,Libraries}/**/*.{m,mm}"),
  corpusOf("Java", "react-native", "**/*.java"),
  corpusOf("Java", "react-native-webview", "**/*.java"),
  corpusOf("Kotlin", "react-native", "ReactAndroid/**/*.kt"),
  corpusOf("Kotlin", "react-native-webview", "**/*.kt"),
  corpusOf("shell", "react-native", "**/*.sh"),
  corpusOf("SQL", "graphile-worker", "**/*.sql"),
  corpusOf("CSS", "bootstrap", "dist/css/bootstrap.css"),
  corpusOf("CSS", "bootstrap", "scss/**/*.scss"),
  corpusOf("CSS", "google-closure-library", "**/*.css"),
  corpusOf("HTML", "npm", "docs/output/**/*.html"),
  corpusOf("HTML", "@node-red/nodes", "core/**/*.html"),
  corpusOf("HTML", "learnyounode", "**/*.html"),

  corpusOf("JSON", "lighthouse", locale("en-US")),
  corpusOf("JSON", "@node-red/nodes", "locales/{en-US,de,fr}/*.json"),
  corpusOf("JSON", "vega-lite", "build/vega-lite-schema.json"),
  corpusOf("minified JSON", "lighthouse", locale("en-US"), "json-minified"),
  corpusOf("minified JSON", "vega-lite", "build/vega-lite-schema.json", "json-minified"),
  corpusOf("minified JSON", "vega-lite", "build/vega-lite.min.js.map"),
  corpusOf("minified JSON", "@node-red/nodes", "examples/**/*.json", "json-minified"),
  corpusOf("minified JSON", "@node-red/editor-client", "public/vendor/monaco/dist/theme/*.json", "json-minified"),
  corpusOf("minified JSON", "moment-timezone", "data/meta/latest.json"),
  corpusOf("numbers", "moment-timezone", "data/packed/latest.json"),
  corpusOf("numbers", "astronomia", "data/vsop87Dearth.js"),
  corpusOf("numbers", "astronomia", "data/vsop87Bmars.js"),
  corpusOf("numbers", "astronomia", "data/vsop87Djupiter.js"),
];

/** Texts to which only the weights of words with letters of an extended script are fitted, so that these weights compensate for
 *  the others. Most words in Turkish have only ASCII letters, whose weights would become worse for all other texts. */
export const TUNE_EXTENDED: readonly Corpus[] = [
  ...languageCorpora({ lighthouse: "tr", blockly: "tr" }),
  corpusOf("tr", "learnyounode", "exercises/*/problem.tr.md"),
  corpusOf("tr", "@node-red/editor-client", "public/vendor/monaco/dist/locale/tr.js", "js-strings"),
  ...languageCorpora({ lighthouse: "uk", blockly: "uk", lessons: "uk" }),
  corpusOf("uk", "@uppy/locales", "lib/uk_UA.js", "js-strings"),
];

function languageCorpora({ lighthouse, blockly, nodeRed, lessons }: Language): Corpus[] {
  const kind = lighthouse;
  const corpora = [
    corpusOf(kind, "lighthouse", locale(lighthouse), "json-messages"),
    corpusOf(kind, "blockly", `msg/${blockly}.js`, "js-strings"),
  ];
  if (nodeRed !== undefined) {
    corpora.push(
      corpusOf(kind, "@node-red/nodes", `locales/${nodeRed}/**/*.html`, "html-text"),
      corpusOf(kind, "@node-red/editor-client", `locales/${nodeRed}/editor.json`, "json-strings"),
    );
  }
  if (lessons !== undefined) {
    corpora.push(
      corpusOf(kind, "learnyounode", `exercises/*/problem.${lessons}.md`),
      corpusOf(kind, "javascripting", `problems/*/*_${lessons}.md`),
    );
  }
  return corpora;
}

function locale(language: string): string {
  return `shared/localization/locales/${language}.json`;
}
