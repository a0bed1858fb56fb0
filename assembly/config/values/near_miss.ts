/** Words of at least this length may differ by two edits, shorter ones by one. */
const LONG_WORD: i32 = 6;

/**
 * Whether `text` looks like a misspelling of `word`: it differs, but at most by case, by `_`, `-`, `.` and spaces, and
 * by one edit (two in a word of six or more letters). An edit inserts, removes or replaces a character or swaps two
 * neighbours. False if both are equal.
 */
export function isNearMiss(text: string, word: string): bool {
  return text != word && edits(text, word) >= 0;
}

/**
 * The word that `text` most likely means: the near miss with the fewest edits, or the word itself. Empty if no word is
 * near.
 */
export function nearestWord(text: string, words: string[]): string {
  let nearest = "";
  let least = i32.MAX_VALUE;
  for (let i = 0; i < words.length; i++) {
    const count = edits(text, words[i]);
    if (count < 0 || count >= least) continue;
    least = count;
    nearest = words[i];
  }
  return nearest;
}

/**
 * The number of edits that turn `text` into `word`, ignoring case and separators; -1 if there are more than in a near
 * miss.
 */
export function edits(text: string, word: string): i32 {
  const from = significant(text);
  const to = significant(word);
  const limit = to.length < LONG_WORD ? 1 : 2;
  if (from.length == 0 || abs(from.length - to.length) > limit) return -1;
  const count = distance(from, to);
  return count <= limit ? count : -1;
}

/** The significant characters of a name: without separators, with ASCII letters in lower case. */
function significant(text: string): i32[] {
  const codeUnits: i32[] = [];
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    if (codeUnit == 0x5f || codeUnit == 0x2d || codeUnit == 0x2e || codeUnit == 0x20) continue;
    codeUnits.push(codeUnit >= 0x41 && codeUnit <= 0x5a ? codeUnit | 0x20 : codeUnit);
  }
  return codeUnits;
}

/** The optimal string alignment distance: Damerau-Levenshtein without edits inside a swapped pair. */
function distance(from: i32[], to: i32[]): i32 {
  const width = to.length + 1;
  /** Rows of the distances between the prefixes of both: the one before the last, the last and the current one. */
  let older = new StaticArray<i32>(width);
  let last = new StaticArray<i32>(width);
  let current = new StaticArray<i32>(width);
  for (let j = 0; j < width; j++) last[j] = j;
  for (let i = 1; i <= from.length; i++) {
    current[0] = i;
    for (let j = 1; j < width; j++) {
      const isSame = from[i - 1] == to[j - 1];
      let least = min(last[j - 1] + (isSame ? 0 : 1), min(last[j], current[j - 1]) + 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (isSwapped) least = min(least, older[j - 2] + 1);
      current[j] = least;
    }
    const free = older;
    older = last;
    last = current;
    current = free;
  }
  return last[width - 1];
}
