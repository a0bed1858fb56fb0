import { type Corpus, readCorpus } from "../../../scripts/tokens/corpus.ts";
import { FetchError, fetchPackages } from "../../../scripts/tokens/packages.ts";
import { skip } from "../../components.ts";
import { TEST } from "./corpora.ts";

/** A corpus of the tests with its text. */
export interface CorpusText {
  readonly corpus: Corpus;
  readonly text: string;
}

/** The corpora of the tests, fetched first where the cache lacks them; none without a network, except where `CI` is set. */
export async function readTestCorpora(): Promise<CorpusText[]> {
  try {
    const folderOf = await fetchPackages(TEST, console.log);
    return TEST.map((corpus) => ({ corpus, text: readCorpus(corpus, folderOf) }));
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    skip(error);
    return [];
  }
}
