/** Chooses the tokens for the filter of assembly/tokens, which has room for few of o200k_base's 200 000 tokens. */
import type { Estimator } from "./estimator.ts";
import { encode, piecesOf, readTokens } from "./o200k.ts";

/** The kinds of texts, with the factor by which the scores of each kind are multiplied. The lowest scores are chosen. */
const FACTORS = {
  /** Words of letters that many languages share, in lower case and without the character before them. */
  word: 1,
  /** Words of Cyrillic, Arabic and Devanagari letters: rare among tokens, but frequent in texts of these scripts. */
  foreignWord: 0.4,
  symbols: 0.07,
  /** Han, Kana and Hangul. */
  glyphs: 0.1,
};
type Kind = keyof typeof FACTORS;

/** Added to a token's rank, so that differences between low ranks have little effect. Lower ranks are more frequent in the
 *  texts on which the tokenizer was trained. */
const RANKS_ALIKE = 2000;
const SPACE = 0x20;

/** A text in the form in which the estimator looks it up. Several tokens may have the same form. */
interface Entry {
  readonly points: readonly number[];
  readonly kind: Kind;
  readonly rank: number;
  uses: number;
  score: number;
}

/** Chooses the texts that improve the estimates of `texts` the most, `size` at most, as code points. */
export function chooseVocabulary(estimator: Estimator, texts: readonly string[], size: number): (readonly number[])[] {
  const tokens = readTokens();
  const uses = countUses(tokens, texts);
  const entries = new Map<string, Entry>();
  tokens.forEach((token, rank) => {
    const found = token === undefined ? undefined : lookedUp(estimator, token);
    if (found === undefined) return;
    const name = String.fromCodePoint(...found.points);
    const entry = entries.get(name);
    if (entry === undefined) entries.set(name, { ...found, rank, uses: uses[rank], score: 0 });
    else entry.uses = Math.max(entry.uses, uses[rank]);
  });
  for (const entry of entries.values()) {
    entry.score = ((entry.rank + RANKS_ALIKE) / (1 + entry.uses)) * FACTORS[entry.kind];
  }
  addBridges(entries);
  const ordered = [...entries.values()].sort((a, b) => a.score - b.score);
  return ordered.slice(0, size).map(({ points }) => points);
}

/** The number of texts in which each token, by rank, would improve the estimate. */
function countUses(tokens: readonly (string | undefined)[], texts: readonly string[]): Uint16Array {
  const ranks = new Map(tokens.map((token, rank) => [token, rank]));
  const uses = new Uint16Array(tokens.length);
  for (const text of texts) {
    const used = new Set<number>();
    for (const piece of new Set(piecesOf(text))) for (const rank of helpfulFor(piece, ranks)) used.add(rank);
    for (const rank of used) uses[rank]++;
  }
  return uses;
}

function helpfulFor(piece: string, ranks: ReadonlyMap<string | undefined, number>): number[] {
  const rank = ranks.get(piece);
  if (rank !== undefined) return [rank];
  // The estimator finds the tokens within a piece of glyphs, but not those within a word or among symbols of ASCII.
  if (/[\u3040-\u9fff\uac00-\ud7af]/.test(piece)) return encode(piece);
  if (!/\p{L}/u.test(piece)) return isAscii(piece) ? [] : encode(piece);
  const word = ranks.get(piece.replace(/^[^\p{L}\p{M}]/u, ""));
  return word === undefined || piece.startsWith(" ") ? [] : [word];
}

/** The form in which the estimator looks a token up; undefined if it does not. */
function lookedUp(estimator: Estimator, token: string): Pick<Entry, "points" | "kind"> | undefined {
  const { categories, scripts, lengths } = estimator;
  const points = Array.from(token, (character) => character.codePointAt(0)!);
  const [first, second] = points.map((point) => estimator.category(point));
  const isLetter = (point: number): boolean => estimator.category(point) <= categories.Letter.value;
  const isSymbol = (point: number): boolean => estimator.category(point) === categories.Symbol.value;
  const isLineEnd = (point: number): boolean => estimator.category(point) === categories.LineEnd.value;
  const isBefore = first === categories.Space.value || first === categories.Symbol.value;

  if (isLetter(points[0]) || (isBefore && points.length > 1 && second <= categories.Letter.value)) {
    const letters = isLetter(points[0]) ? points : points.slice(1);
    if (!letters.every(isLetter)) return undefined;
    const isGlyph = (point: number): boolean => estimator.script(point) >= scripts.Han.value;
    if (letters.every(isGlyph)) {
      return letters === points || points[0] === SPACE ? { points, kind: "glyphs" } : undefined;
    }
    if (letters.some(isGlyph)) return undefined;
    const most = letters.every((letter) => letter < 0x80) ? lengths.maxWordLetters : lengths.maxForeignLetters;
    if (letters.length > most.value) return undefined;
    return { points: letters.map((point) => estimator.small(point)), kind: wordKind(estimator, letters) };
  }

  if (!isSymbol(points[0]) && !(points[0] === SPACE && points.length > 1 && isSymbol(points[1]))) return undefined;
  if (!points.slice(1).every((point) => isSymbol(point) || isLineEnd(point))) return undefined;
  if (points.length > lengths.maxSymbols.value || (isAscii(token) && token.replace(/^ /, "").length === 1))
    return undefined;
  return { points, kind: "symbols" };
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function wordKind(estimator: Estimator, letters: readonly number[]): Kind {
  const { Cyrillic, Devanagari } = estimator.scripts;
  const script = Math.max(...letters.map((letter) => estimator.script(letter)));
  return script >= Cyrillic.value && script <= Devanagari.value ? "foreignWord" : "word";
}

/** Adds the beginnings of all tokens of glyphs, because the estimator extends a token by one glyph at a time. */
function addBridges(entries: Map<string, Entry>): void {
  for (const { points, kind, rank, score } of [...entries.values()]) {
    if (kind !== "glyphs") continue;
    for (let length = points[0] === SPACE ? 2 : 1; length < points.length; length++) {
      const start = points.slice(0, length);
      const name = String.fromCodePoint(...start);
      const entry = entries.get(name);
      if (entry === undefined) entries.set(name, { points: start, kind, rank, uses: 0, score });
      else entry.score = Math.min(entry.score, score);
    }
  }
}
