import { TestModule } from "../module.ts";

type Reading = (at: number, length: number) => number;

const module: TestModule<Record<"editsOf" | "isNear" | "nearestOf" | "isAccessName" | "isAboutAccess", Reading>> =
  new TestModule("near_miss");

function call(name: keyof typeof module.exports & string, bytes: Uint8Array): number {
  return module.lend(bytes, (at, length) => (module.exports[name] as Reading)(at, length));
}

/** The edits between both; -1 where they are more than a near miss has. */
export function edits(text: string, word: string): number {
  return call("editsOf", Buffer.from(`${text}\n${word}`));
}

export function isNearMiss(text: string, word: string): boolean {
  return Boolean(call("isNear", Buffer.from(`${text}\n${word}`)));
}

/** The word that the text most likely means. */
export function nearestWord(text: string, words: string[]): string | undefined {
  const index = call("nearestOf", Buffer.from([text, ...words].join("\n")));
  return index < 0 ? undefined : words[index - 1];
}

export function namesAccess(name: string): boolean {
  return Boolean(call("isAccessName", Buffer.from(name)));
}

export function indicatesAccess(configuration: string | Uint8Array): boolean {
  return Boolean(call("isAboutAccess", Buffer.from(configuration)));
}
