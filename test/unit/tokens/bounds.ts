import type { Corpus } from "../../../scripts/tokens/corpus.ts";

/** How far an estimate may be off. */
const BOUND = 0.08;
/** In languages of which the estimator knows fewer words. */
const BOUND_OF_LANGUAGES = 0.12;
const LANGUAGES = ["Chinese", "traditional Chinese", "Japanese", "Korean", "Russian", "Hindi", "Arabic"];

/** Texts that the estimator is worse at, each with a bound of its own: docs/tokens.md names them. */
const EXCEPTIONS: readonly { kind: string; package: string; bound: number }[] = [
  // Grammars of 300 languages: long lists of keywords and names, most of them unknown.
  { kind: "minified JavaScript", package: "prismjs", bound: 0.1 },
];

/** How far the estimate of a corpus may be off. */
export function boundOf({ kind, sources }: Corpus): number {
  const exception = EXCEPTIONS.find((one) => one.kind === kind && one.package === sources[0].package);
  return exception?.bound ?? (LANGUAGES.includes(kind) ? BOUND_OF_LANGUAGES : BOUND);
}
