/** Which names count as misspelt, compared with an independent distance. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { edits, isNearMiss, nearestWord } from "./near-miss.ts";

describe("a near miss", () => {
  it.each([
    ["Log", "log"],
    ["lgo", "log"],
    ["lo", "log"],
    ["logs", "log"],
    ["acess", "access"],
    ["acesss", "access"],
    ["Access", "access"],
    ["ac-cess", "access"],
    ["max_tools", "maxTools"],
    ["MAX-TOOLS", "maxTools"],
    ["maxTool", "maxTools"],
    ["idle timeout", "idleTimeout"],
    ["idletimout", "idleTimeout"],
    ["\u0430ccess", "access"],
  ])("%j is one of %j", (text, word) => {
    expect(isNearMiss(text, word)).toBe(true);
  });

  it.each([
    ["log", "log"],
    ["access", "access"],
    ["", "log"],
    ["lag1", "log"],
    ["hold", "role"],
    ["trace", "role"],
    ["identity", "instance"],
    ["limits", "labels"],
    ["stripAcceptEncoding", "access"],
    ["idle", "idleTimeout"],
    ["address", "access"],
    ["process", "access"],
    ["x".repeat(256), "access"],
  ])("%j is none of %j", (text, word) => {
    expect(isNearMiss(text, word)).toBe(false);
  });

  it("is closest to the word with the fewest edits", () => {
    expect(nearestWord("toolz", ["log", "tokens", "tools", "maxTools"])).toBe("tools");
    expect(nearestWord("not_tools", ["tools", "notTools"])).toBe("notTools");
    expect(nearestWord("elsewhere", ["tools", "notTools"])).toBeUndefined();
    expect(nearestWord("tools", ["tool", "tools"])).toBe("tools");
  });

  const letters = (most: number) => fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: most });
  itHolds(
    "has as many edits as the definition says",
    2000,
    fc.property(letters(9), letters(9), (text, word) => {
      const limit = word.length < 6 ? 1 : 2;
      const distance = reference(text, word);
      expect(edits(text, word)).toBe(distance <= limit ? distance : -1);
    }),
  );
});

/** The optimal string alignment distance as it is defined, without a table. */
function reference(text: string, word: string): number {
  const known = new Map<string, number>();
  const of = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const key = `${i} ${j}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const all = [of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (text[i - 1] === word[j - 1] ? 0 : 1)];
    if (i > 1 && j > 1 && text[i - 1] === word[j - 2] && text[i - 2] === word[j - 1]) all.push(of(i - 2, j - 2) + 1);
    const least = Math.min(...all);
    known.set(key, least);
    return least;
  };
  return of(text.length, word.length);
}
