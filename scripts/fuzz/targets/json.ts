import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { cut } from "../../../test/unit/chunks.ts";
import { type Node, evaluate, gaps, nodes, spelled, write } from "../../../test/unit/json/documents.ts";
import * as fields from "../../../test/unit/json/fields.ts";
import { chooser, reference } from "../../../test/unit/json/reference.ts";
import * as tokenizer from "../../../test/unit/json/tokenizer.ts";
import { MemoryWatch } from "../memory.ts";
import { type Corpus, LARGEST, corpusOf, mutated, randomSizes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { capturedBodies } from "../seeds.ts";
import { type Batch, type Target, same } from "../target.ts";
import { jsonValues } from "../units.ts";
import { BROKEN_UTF8, JSON_WORDS } from "../words.ts";
import { DEPTH_LIMIT, depthOf, isJson, writtenAs } from "../written.ts";

/** A text that may be JSON, how it is cut, and after which tokens the reader skips, cyclically. */
interface JsonCase {
  readonly bytes: Buffer;
  readonly sizes: readonly number[];
  readonly skips: readonly tokenizer.Skip[];
}

const SKIPS: readonly tokenizer.Skip[] = ["nothing", "nothing", "value", "container"];
const DOCUMENTS = 200;

/** Names of members on the paths to the fields in test/unit/modules/fields.ts. */
const keys = fc.constantFrom("a", "b", "c", "x", "y", "list", "name", "grid", "raw", "any", "known", "only", '"/');
const documents = fc
  .tuple(fc.oneof(nodes(), nodes(keys.chain(spelled))), gaps)
  .map(([node, gaps]) => Buffer.from(write(node, gaps)));

/**
 * Compares the tokenizer and the field reader with `JSON.parse`: they accept the same texts, and find the same in them.
 */
export const json: Target<JsonCase> = {
  begin(random): Batch<JsonCase> {
    tokenizer.tokenize([Buffer.alloc(LARGEST)]);
    fields.read([Buffer.alloc(LARGEST)]);
    const memory = new MemoryWatch(() => tokenizer.memorySize() + fields.memorySize(), 1000);
    let corpus: Corpus | undefined;
    return {
      generate: () => ({
        bytes: mutated(random, (corpus ??= jsonCorpus(random))),
        sizes: randomSizes(random),
        skips: Array.from({ length: random.size(1, 9) }, () => random.pick(SKIPS)),
      }),
      check(input) {
        checkTokens(input);
        checkFields(input);
        memory.count();
      },
      finish: () => memory.check("the tokenizer and the field reader"),
    };
  },
};

function jsonCorpus(random: Random): Corpus {
  const written = fc.sample(documents, { numRuns: DOCUMENTS, seed: random.next() });
  const captured = capturedBodies("application/json");
  return corpusOf([...written, ...captured], [...JSON_WORDS, ...BROKEN_UTF8], jsonValues);
}

function checkTokens({ bytes, sizes, skips }: JsonCase): void {
  const whole = tokenizer.tokenize([bytes]);
  same("tokens in chunks", tokenizer.tokenize(cut(bytes, sizes)), whole);
  const skipping = tokenizer.tokenize([bytes], chooser(skips));
  same("tokens in chunks, skipping", tokenizer.tokenize(cut(bytes, sizes), chooser(skips)), skipping);

  const text = bytes.toString();
  const isParsed = isJson(text);
  const isRead = isParsed && depthOf(text) <= DEPTH_LIMIT;
  for (const { complete, fault } of [whole, skipping]) same("whether it is JSON", isAccepted(complete, fault), isRead);
  if (isParsed && !isRead) same("fault", whole.fault, "Depth");
  same("blank", whole.blank, /^[ \t\n\r]*$/.test(text));
  if (!isRead || !isUtf8(bytes)) return;

  const node = writtenAs(text);
  same("the value", evaluate(node), JSON.parse(text));
  // A number at the root becomes a token only through what follows it.
  const isOpen = node.type === "number" && /\d$/.test(text);
  same("tokens", whole.tokens, isOpen ? [] : reference(node));
  same("tokens, skipping", skipping.tokens, isOpen ? [] : reference(node, chooser(skips)));
  const isContainer = node.type === "array" || node.type === "object";
  same("size", whole.size, isContainer ? Buffer.byteLength(text.trim()) : 0);
}

function checkFields({ bytes, sizes }: JsonCase): void {
  // The open containers at a fault depend on the chunks.
  const whole = { ...fields.read([bytes]), open: undefined };
  const parts = { ...fields.read(cut(bytes, sizes)), open: undefined };
  same("fields in chunks", parts, whole);
  const text = bytes.toString();
  if (!isJson(text) || depthOf(text) > DEPTH_LIMIT) return;
  same("whether its fields are read", whole.complete && !whole.isFaulty, true);
  if (!isUtf8(bytes)) return;
  const texts = new Map<Node, string>();
  const node = writtenAs(text, texts);
  const isOpen = node.type === "number" && /\d$/.test(text);
  same("fields", whole.found, isOpen ? [] : fields.reference(node, texts));
}

function isAccepted(complete: boolean, fault: string): boolean {
  return complete && fault === "None";
}
