import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { countTokens } from "../../../scripts/tokens/o200k.ts";
import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { readTestCorpora } from "./corpus-texts.ts";
import { estimate, estimateChunks, estimatePieces } from "./estimate.ts";

const texts = await readTestCorpora();

/** Words, runs of symbols and spaces, numbers and line ends of many scripts, side by side in all ways. */
const MIXED =
  "It's 12345 o'clock,\r\n\tgetHTTPResponse(\"naïve\") == x--; 東京タワー の天気 안녕 세상 Привет, мир! مرحبا नमस्ते שלום 👩‍👩‍👧 ——— \n\n end ";

/** Pieces of texts that the estimator has to keep state between: joined, they meet in all ways. */
const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "'",
        "'s",
        "'ll",
        "/",
        "//",
        "====",
        "_",
        '"',
        ".",
        "\u3000",
        "\u00a0",
      ),
      fc.constantFrom(
        "word",
        "Word",
        "WORD",
        "wordWord",
        "é",
        "Ä",
        "привет",
        "東",
        "京",
        "の",
        "カ",
        "안",
        "م",
        "न",
        "ก",
        "α",
      ),
      fc.constantFrom("1", "123", "１２", "٣", "👍", "—", "€", "\ud800", "\u{10fffd}"),
      fc.string({ unit: "binary", maxLength: 5 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => Buffer.from(parts.join("")));

/** ASCII of all kinds, in texts of several windows. */
const ascii = fc
  .array(
    fc.oneof(
      fc.constantFrom(..." \t\n\r/'\"_.-({=;,*", "\r\n", "  ", "\n\n", ";\n/", "//\n//", "});", "\u000b", "\0"),
      fc.constantFrom("a", "is", "A", "It", "word", "Word", "HTTPServer", "getValue", "incomprehensibilities"),
      fc.constantFrom("1", "12", "123", "1234567"),
      fc.string({ unit: "binary-ascii", maxLength: 5 }),
      fc
        .tuple(fc.constantFrom(..."aZ0= \n/"), fc.nat({ max: 200 }))
        .map(([character, count]) => character.repeat(count)),
    ),
    { maxLength: 120 },
  )
  .map((parts) => Buffer.from(parts.join("")));

/** Bytes that are seldom UTF-8: characters that break off, go on without a beginning, or are none. */
const brokenBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xf8, 0xff),
      fc.constantFrom(...Buffer.from("aA1 '\n-東é")),
      fc.integer({ min: 0, max: 255 }),
    ),
    { maxLength: 40 },
  )
  .map((values) => Uint8Array.from(values));

describe("the estimate of a text", () => {
  itHolds(
    "is the same in any chunks",
    2000,
    fc.property(fc.oneof(pieces, ascii, brokenBytes), chunkSizes, (bytes, sizes) => {
      const whole = estimateChunks([bytes]);
      assert.equal(estimateChunks(cut(bytes, sizes)), whole);
      assert.equal(estimateChunks(single(bytes)), whole);
    }),
  );

  itHolds(
    "is the sum of its pieces, however many are taken at once",
    2000,
    fc.property(
      fc.oneof(
        ascii,
        fc.array(fc.oneof(ascii, pieces), { maxLength: 4 }).map((parts) => Buffer.concat(parts)),
      ),
      (bytes) => {
        assert.equal(estimate(bytes), estimatePieces(bytes));
      },
    ),
  );

  it.each(texts.map(({ corpus, text }) => [corpus.kind, text] as const))(
    "is the sum of its pieces: %s",
    (_kind, text) => {
      const bytes = Buffer.from(text).subarray(0, 65_536);
      expect(estimate(bytes)).toBe(estimatePieces(bytes));
    },
  );

  it("is the same wherever it is cut in two", () => {
    const bytes = Buffer.from(MIXED);
    const whole = estimateChunks([bytes]);
    for (const chunks of halves(bytes)) expect(estimateChunks(chunks), `cut at ${chunks[0].length}`).toBe(whole);
  });

  itHolds(
    "is a number that is not negative, whatever the bytes",
    2000,
    fc.property(fc.oneof(brokenBytes, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const tokens = estimate(bytes);
      // A byte makes up to some tokens where no rule foresees it, but no more.
      assert(tokens >= 0 && tokens <= 4 * bytes.length, `${tokens} tokens`);
    }),
  );

  itHolds(
    "does not depend on the text before it",
    300,
    fc.property(brokenBytes, pieces, (before, text) => {
      const alone = estimate(text);
      estimate(before);
      assert.equal(estimate(text), alone);
    }),
  );

  it("may go on for megabytes", () => {
    const line = "The quick brown fox jumps over the lazy dog, 12345 times.\n";
    const chunk = Buffer.from(line.repeat(1000));
    const once = estimate(chunk);
    const often = estimateChunks(Array.from({ length: 100 }, () => chunk));
    expect(often / once).toBeCloseTo(100, 5);
  });
});

describe("a text of one piece", () => {
  const exact: [string, string, number][] = [
    ["nothing", "", 0],
    ["up to three digits", "123", 1],
    ["five digits", "12345", 2],
    ["seven digits", "1234567", 3],
    ["a space", " ", 1],
    ["a run of spaces", "        ", 1],
    ["line ends", "\n\n\n", 1],
    ["a line end, and an indent", "\n    ", 2],
    ["a symbol", ",", 1],
    ["symbols that are one token", "});", 1],
    ["a space and a symbol", " =", 1],
  ];

  it.each(exact)("%s", (_, text, tokens) => {
    expect(estimate(text)).toBe(tokens);
    expect(countTokens(text)).toBe(tokens);
  });

  it.each([" the", "the", " The", " function", "return", " JSON", "error", " description"])("a word: %j", (word) => {
    expect(countTokens(word)).toBe(1);
    expect(Math.abs(estimate(word) - 1)).toBeLessThan(0.3);
  });

  it.each(["的", "我们", "です", "입니다", "を"])("a token of characters without word spaces: %j", (text) => {
    expect(countTokens(text)).toBe(1);
    expect(Math.abs(estimate(text) - 1)).toBeLessThan(0.2);
  });

  it("an unknown word costs more than a known one, and more the longer it is", () => {
    const [known, unknown, longer] = ["the", "qzxvkj", "qzxvkjwpqzxvkj"].map((word) => estimate(` ${word}`));
    expect(unknown).toBeGreaterThan(known);
    expect(longer).toBeGreaterThan(unknown);
  });
});

describe("a text of several pieces costs what they cost", () => {
  const joined: string[][] = [
    ["a line", "\n", "another line"],
    ["12", "ab"],
    ["東京", "12"],
    ["word", "123"],
    ["(word", ")"],
  ];

  it.each(joined.map((parts) => [parts.join(""), parts] as const))("%j", (text, parts) => {
    expect(estimate(text)).toBe(parts.map(estimate).reduce((sum, tokens) => sum + tokens, 0));
  });

  it("letters of two cases are two words", () => {
    expect(estimate("getValue")).toBe(estimate("get") + estimate("Value"));
  });

  it.each(["złoty", "żółw", "źródło", "ňadra", "škoda", "ğş", "ґанок", "їжак", "љубав"])(
    "a word costs as much in capitals: %s",
    (word) => {
      expect(estimate(word.toUpperCase())).toBe(estimate(word));
    },
  );

  it("a contraction is one token more at most", () => {
    expect(estimate("it's") - estimate("it")).toBeGreaterThan(0);
    expect(estimate("it's") - estimate("it")).toBeLessThanOrEqual(1);
  });

  it("many like symbols share tokens", () => {
    expect(estimate("=".repeat(64))).toBeLessThan(8);
  });
});
