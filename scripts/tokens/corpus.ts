/** Texts from files of npm packages, for tuning and testing the estimator. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { type Extractor, extract } from "./extract.ts";

/** Files of one package. */
export interface Source {
  readonly package: string;
  /** Glob patterns of paths in the package. Each selects all matching files, ordered by name. A pattern that begins with `!`
   *  excludes files. */
  readonly files: readonly string[];
  /** Extracts the text of each file. By default, the whole file is the text. */
  readonly extractor?: Extractor;
}

/** A text, and what kind of text it is. */
export interface Corpus {
  readonly kind: string;
  readonly sources: readonly Source[];
}

/** The maximum size of a corpus in bytes. Of longer texts, only the beginning is used. */
const LONGEST = 400_000;

/** A corpus of one package's files. */
export function corpusOf(kind: string, packageName: string, files: string | readonly string[], extractor?: Extractor) {
  return { kind, sources: [{ package: packageName, files: [files].flat(), extractor }] };
}

/** Combines several corpora that are too small by themselves. */
export function combined(kind: string, ...corpora: readonly Corpus[]): Corpus {
  return { kind, sources: corpora.flatMap(({ sources }) => sources) };
}

/** The packages and the files of a corpus, in Markdown. */
export function nameOf({ sources }: Corpus): string {
  return sources.map((source) => `${source.package} ${source.files.map((file) => `\`${file}\``).join(" ")}`).join(", ");
}

/** The text of a corpus, given the folder of each package. */
export function readCorpus({ sources }: Corpus, folderOf: (packageName: string) => string): string {
  const parts: string[] = [];
  let bytes = 0;
  for (const source of sources) {
    const folder = folderOf(source.package);
    for (const path of filesOf(source, folder)) {
      const part = extract(source.extractor ?? "text", readFileSync(join(folder, path), "utf8"));
      parts.push(part);
      bytes += Buffer.byteLength(part);
      if (bytes > LONGEST) return beginning(parts.join("\n"));
    }
  }
  return parts.join("\n");
}

/** The files of a source, as paths in the folder of its package. */
function filesOf({ package: name, files }: Source, folder: string): string[] {
  const unwanted = files.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const options = { cwd: folder, ignore: ["node_modules/**", ...unwanted], dot: true, expandDirectories: false };
  return files
    .filter((pattern) => !pattern.startsWith("!"))
    .flatMap((pattern) => {
      const found = globSync(pattern, options).sort();
      if (found.length === 0) throw new Error(`${name} has no file ${pattern}.`);
      return found;
    });
}

/** The beginning of a text, at most the maximum size, without a cut character. */
function beginning(text: string): string {
  const bytes = Buffer.from(text);
  let end = Math.min(LONGEST, bytes.length);
  while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
