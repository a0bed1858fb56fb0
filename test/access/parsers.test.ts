/**
 * No real parser reads a document that the filter passes as a call that the policy denies; and the filter passes
 * ordinary documents.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../scripts/fuzz/random.ts";
import { effort } from "../effort.ts";
import { captureNames, readCapture } from "../fixtures/captures.ts";
import { PARSER_PROGRAMS, readDocuments, type Reading, readWithNode } from "../fixtures/parsers/programs.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../seeds.ts";
import { ambiguousDocument } from "./documents/ambiguous.ts";
import { ordinaryDocument } from "./documents/ordinary.ts";
import { CALL_SHAPE, verdict } from "./oracle.ts";
import { guardedBy, piecesOf } from "./passing.ts";
import { ALMOST_ALL, type Policy, POLICIES } from "./policies.ts";

const SECOND = 1000;
/** Number of documents read, decided and compared at once. */
const CHUNK = 20_000;
const SHOWN = 20;
const SEEDS = [
  { from: "a fixed seed", seed: FIXED_SEEDS[0], total: 10_000 },
  { from: "the fresh seed", seed: FRESH_SEED, total: effort(10_000, 190_000) },
];

/** A document that the filter passes, and a forbidden reading of it. */
interface Find {
  /** One character per byte. */
  readonly document: string;
  /** The names of the policy's rules. */
  readonly rules: string;
  /** The readers that find a denied call, and the call that the last one found. */
  readonly readers: string[];
  readonly call: unknown;
}

const possible = await Promise.all(PARSER_PROGRAMS.map((program) => program.isPossible()));
const programs = PARSER_PROGRAMS.filter((_, index) => possible[index]);

describe("what passes is what the policy allows", () => {
  let readAll: (documents: readonly Buffer[]) => Promise<Map<string, Reading[]>>;
  beforeAll(async () => void (readAll = await startReaders()), 900 * SECOND);

  test.each(SEEDS)(
    "no parser reads a document that passes as a call that is denied ($total documents of $from)",
    async ({ seed, total }) => {
      const random = new Random(seed);
      const guards = POLICIES.map((policy) => ({ policy, answer: guardedBy(policy) }));
      const finds = new Map<string, Find>();
      const denied = new Map<string, number>();
      for (let done = 0; done < total; done += CHUNK) {
        const documents = Array.from({ length: Math.min(CHUNK, total - done) }, () => ambiguousDocument(random));
        const readings = await readAll(documents);
        const passing: { policy: Policy; document: Buffer }[] = [];
        documents.forEach((document, index) => {
          const body = piecesOf(random, document);
          for (const { policy, answer } of guards) {
            const [readers] = deniedReadings(policy, readings, index);
            for (const reader of readers) denied.set(reader, (denied.get(reader) ?? 0) + 1);
            if (readers.length === 0) continue;
            const { details, passed } = answer({ body });
            if (details === undefined) passing.push({ policy, document: passed });
          }
        });
        // The rest of a partly denied batch passes, and each parser must read it so.
        const passed = await readAll(passing.map(({ document }) => document));
        passing.forEach(({ policy, document }, index) => {
          const [readers, call] = deniedReadings(policy, passed, index);
          if (readers.length === 0) return;
          keepShortest(finds, { document: document.toString("latin1"), rules: namesOf(policy), readers, call });
        });
      }
      expect([...finds.values()], replayCommand()).toEqual([]);
      // Each reader must have found this many denied calls; otherwise little was tested.
      for (const reader of (await readAll([])).keys()) {
        expect.soft(denied.get(reader) ?? 0, reader).toBeGreaterThan(total / 4);
      }
    },
    effort(300, 3000) * SECOND,
  );
});

describe("what is ordinary passes", () => {
  const answer = guardedBy(ALMOST_ALL);

  test.each(captureNames())("the requests of capture %s that their servers took", (name) => {
    const taken = readCapture(name).filter(
      ({ request, response }) => request.body.length > 0 && response !== null && response.status < 400,
    );
    expect(taken.length).toBeGreaterThan(0);
    const refused = taken.map(({ request }) => ({ details: answer(request).details, body: request.body.toString() }));
    expect(refused.filter(({ details }) => details !== undefined)).toEqual([]);
  });

  test.each(SEEDS)(
    "generated messages ($total of $from)",
    ({ seed, total }) => {
      const random = new Random(seed);
      const refused: { document: string; details: string }[] = [];
      for (let i = 0; i < total; i++) {
        const document = ordinaryDocument(random);
        // Otherwise it would not be an ordinary document.
        JSON.parse(document.toString());
        const { details, passed } = answer({ body: piecesOf(random, document) });
        if (details === undefined) expect(passed.equals(document), document.toString()).toBe(true);
        if (details !== undefined) refused.push({ document: document.toString().slice(0, 2000), details });
      }
      expect(refused.slice(0, SHOWN), replayCommand()).toEqual([]);
    },
    effort(120, 1200) * SECOND,
  );
});

/** Builds what can be built here. Returns a function that reads documents with each available reader, by name. */
async function startReaders(): Promise<(documents: readonly Buffer[]) => Promise<Map<string, Reading[]>>> {
  const commands = await Promise.all(programs.map((program) => program.build()));
  return async (documents) => {
    const readings = new Map([["Node JSON.parse", documents.map(readWithNode)]]);
    const read = await Promise.all(commands.map((command) => readDocuments(command, CALL_SHAPE, documents)));
    programs.forEach(({ language, readers }, program) => {
      readers.forEach((reader, at) =>
        readings.set(
          `${language} ${reader}`,
          read[program].map((found) => found[at]),
        ),
      );
    });
    return readings;
  };
}

/** The readers that find a denied call in the document of this index, and the call that the last one found. */
function deniedReadings(
  policy: Policy,
  readings: ReadonlyMap<string, Reading[]>,
  index: number,
): [readers: string[], call: unknown] {
  const readers: string[] = [];
  let denied: unknown;
  for (const [reader, found] of readings) {
    const call = found[index]?.find((call) => !isRewritten(call) && verdict(policy, call) === "DENY");
    if (call === undefined) continue;
    readers.push(reader);
    denied = call;
  }
  return [readers, denied];
}

/** Whether a message has been rewritten: its method is one that no server knows. */
function isRewritten(call: unknown): boolean {
  const { method } = (call ?? {}) as { method?: unknown };
  if (typeof method !== "string") return false;
  const unknown = "denied_".padEnd(method.length, "_").slice(0, method.length);
  // The new method always differs from the old one. No server knows the empty one either.
  return method === unknown || method === `${unknown.slice(0, -1)}x`;
}

function namesOf({ rules }: Policy): string {
  return rules.map(({ name }) => name).join(" ");
}

/** Keeps the simplest of several similar finds. */
function keepShortest(finds: Map<string, Find>, find: Find): void {
  const key = [find.rules, ...find.readers].join();
  const known = finds.get(key);
  if (known === undefined || find.document.length < known.document.length) finds.set(key, find);
}
