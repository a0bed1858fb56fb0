/** Texts made of files of npm packages: what the estimator is tuned on, and what it is tested with. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { type Extractor, extract } from "./extract.ts";

/** Files of one package. */
export interface Source {
  readonly package: string;
  /** Glob patterns of paths in the package, each for all files that match, in the order of their names; with `!` before
   *  it, for files to leave out. */
  readonly files: readonly string[];
  /** What is taken out of each; all of it by default. */
  readonly extractor?: Extractor;
}

/** A text, and what kind of text it is. */
export interface Corpus {
  readonly kind: string;
  readonly sources: readonly Source[];
}

/** Of longer texts the beginning is enough. */
const LONGEST = 400_000;

/** A corpus of one package's files. */
export function corpusOf(kind: string, packageName: string, files: string | readonly string[], extractor?: Extractor) {
  return { kind, sources: [{ package: packageName, files: [files].flat(), extractor }] };
}

/** One corpus of several that are too small alone. */
export function combined(kind: string, ...corpora: readonly Corpus[]): Corpus {
  return { kind, sources: corpora.flatMap(({ sources }) => sources) };
}

/** The packages and the files, in Markdown. */
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

/** As much of a text as counts, up to a whole character. */
function beginning(text: string): string {
  const bytes = Buffer.from(text);
  let end = Math.min(LONGEST, bytes.length);
  while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
