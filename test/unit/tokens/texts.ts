import { TestModule } from "../module.ts";
import { KINDS } from "./meter.ts";

/** A text of some kind: a JSON value as it is written, or UTF-8 as it is. */
export type Text =
  { readonly kind: number; readonly json: Uint8Array } | { readonly kind: number; readonly utf8: Uint8Array };

const module = new TestModule<{
  reset(maxBytes: number): void;
  feed(at: number, length: number): void;
  endValue(kind: number): void;
  readText(kind: number, at: number, length: number): void;
  costOf(kind: number): number;
}>("texts");

/** What the texts of a message cost, by their kinds, where `head` bytes are read exactly; `chop` cuts each JSON value. */
export function costsOf(
  head: number,
  texts: readonly Text[],
  chop: (bytes: Uint8Array) => Iterable<Uint8Array> = (bytes) => [bytes],
): number[] {
  const { exports } = module;
  exports.reset(head);
  for (const text of texts) {
    if ("utf8" in text) {
      module.lend(text.utf8, (at, length) => exports.readText(text.kind, at, length));
    } else {
      for (const chunk of chop(text.json)) module.lend(chunk, (at, length) => exports.feed(at, length));
      exports.endValue(text.kind);
    }
  }
  return Array.from({ length: KINDS }, (_, kind) => exports.costOf(kind) >>> 0);
}

/** {@link costsOf} JSON values that are texts of one kind. */
export function costOfValues(
  head: number,
  values: readonly Uint8Array[],
  chop?: (bytes: Uint8Array) => Iterable<Uint8Array>,
): number {
  const texts = values.map((json) => ({ kind: 0, json }));
  return costsOf(head, texts, chop)[0];
}
