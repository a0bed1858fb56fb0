/** Every real parser reads an edited list as the same list without the removed elements. */
import { beforeAll, expect, test } from "vitest";
import { Random } from "../../scripts/fuzz/random.ts";
import { effort } from "../effort.ts";
import {
  PARSER_PROGRAMS,
  readDocuments,
  type Reading,
  readWithNode,
  type Shape,
} from "../fixtures/parsers/programs.ts";
import { listAnswer } from "../host/filter/lists/generate.ts";
import { KINDS, NAMED_BY } from "../host/filter/lists/kinds.ts";
import { edited } from "../host/filter/lists/oracle.ts";
import { passes, startListing } from "../host/filter/lists/passage.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../seeds.ts";

const SECOND = 1000;
const SEEDS = [
  { from: "a fixed seed", seed: FIXED_SEEDS[0], total: 250 },
  { from: "the fresh seed", seed: FRESH_SEED, total: effort(250, 4750) },
];
/** Length in bytes of the mark at the beginning of each description. */
const MARK_LENGTH = 13;
const NAMES = { name: null, uri: null, uriTemplate: null, description: null };
const SHAPE: Shape = {
  jsonrpc: null,
  id: null,
  result: {
    ...Object.fromEntries(KINDS.map((kind) => [kind, [NAMES]])),
    nextCursor: null,
    cacheScope: null,
  },
};

const possible = await Promise.all(PARSER_PROGRAMS.map((program) => program.isPossible()));
const programs = PARSER_PROGRAMS.filter((_, index) => possible[index]);
let commands: (readonly string[])[];
beforeAll(async () => void (commands = await Promise.all(programs.map((program) => program.build()))), 900 * SECOND);

test.each(SEEDS)(
  "each parser reads the same list without what is denied ($total lists of $from)",
  async ({ seed, total }) => {
    const plugin = startListing();
    const answers = Array.from({ length: total }, (_, i) =>
      listAnswer(new Random(seed, i), { isEvents: false, isPlain: i % 2 === 0 }),
    );
    const passed = answers.map(
      (answer) => passes(plugin, answer, edited(answer.body, false), { chunks: [answer.body] }).received,
    );
    const before = await readings(answers.map(({ body }) => body));
    const after = await readings(passed);
    for (const [reader, found] of before) {
      let removed = 0;
      found.forEach((reading, index) => {
        if (reading === null) return;
        const denied = new Set(answers[index].deniedMarks);
        const expected = reading.map((message) => without(message, denied));
        const why = `${reader}: answer ${index} of seed ${seed}. ${replayCommand()}`;
        expect(after.get(reader)![index], why).toEqual(expected);
        removed += Number(denied.size > 0);
      });
      // Otherwise little was compared.
      expect(removed, reader).toBeGreaterThan(total / 4);
    }
  },
  effort(120, 1200) * SECOND,
);

/** What each reader finds in the documents, by the reader's name. */
async function readings(documents: readonly Buffer[]): Promise<Map<string, Reading[]>> {
  const found = new Map<string, Reading[]>([["Node JSON.parse", documents.map(readInShape)]]);
  const read = await Promise.all(commands.map((command) => readDocuments(command, SHAPE, documents)));
  programs.forEach(({ language, readers, untyped }, program) => {
    readers.forEach((reader, at) => {
      if (untyped.includes(reader))
        found.set(
          `${language} ${reader}`,
          read[program].map((each) => each[at]),
        );
    });
  });
  return found;
}

function readInShape(document: Buffer): Reading {
  return readWithNode(document)?.map((message) => pick(message, SHAPE)) ?? null;
}

/** Selects members like the programs in test/fixtures/parsers/README.md. */
function pick(value: unknown, shape: Shape | readonly [Shape] | null): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Array.isArray(shape) ? value.map((item) => pick(item, (shape as [Shape])[0])) : [];
  if (shape === null || Array.isArray(shape)) return [];
  const names = Object.keys(shape).filter((name) => Object.hasOwn(value, name));
  return Object.fromEntries(names.map((name) => [name, pick(value[name as never], (shape as Shape)[name])]));
}

/** The expected form of a parsed message after editing. */
function without(message: unknown, denied: ReadonlySet<string>): unknown {
  const { result } = message as { result?: Record<string, unknown> };
  if (typeof result !== "object" || result === null) return message;
  const edited: Record<string, unknown> = { ...result };
  for (const kind of KINDS.filter((kind) => Array.isArray(result[kind]))) {
    const items = result[kind] as (Record<string, string> | string)[];
    edited[kind] = items.filter((item) => {
      const isNamed = typeof item === "object" && item[NAMED_BY[kind]] !== undefined;
      return isNamed && !denied.has(item.description.slice(0, MARK_LENGTH));
    });
  }
  // Also in a response without a list, because a list was requested.
  if (edited.cacheScope === "public") edited.cacheScope = "private";
  return { ...(message as object), result: edited };
}
