/** o200k_base, the tokenizer that the estimator approximates. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { countTokens as count, encode as encodeText } from "gpt-tokenizer/encoding/o200k_base";
import { O200K_TOKEN_SPLIT_REGEX } from "gpt-tokenizer/encodingParams/constants";

/** Treats texts that look like special tokens as plain text. */
const PLAIN = { disallowedSpecial: new Set<string>() };

/** The exact number of tokens of a text. */
export function countTokens(text: string): number {
  return count(text, PLAIN);
}

/** The ranks of a text's tokens. */
export function encode(text: string): number[] {
  return encodeText(text, PLAIN);
}

/** The pieces of a text. No token crosses the boundary between two pieces. */
export function piecesOf(text: string): string[] {
  return text.match(O200K_TOKEN_SPLIT_REGEX) ?? [];
}

/** The texts of all tokens by rank; undefined for a token that contains part of a character. */
export function readTokens(): (string | undefined)[] {
  const path = createRequire(import.meta.url).resolve("gpt-tokenizer/data/o200k_base.tiktoken");
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      try {
        return decoder.decode(Buffer.from(line.split(" ")[0], "base64"));
      } catch {
        return undefined;
      }
    });
}
