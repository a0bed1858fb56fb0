import fc from "fast-check";
import { cut } from "../../../test/unit/chunks.ts";
import { memorySize, parseEvents, readEvents } from "../../../test/unit/sse/events.ts";
import { eventStreams } from "../../../test/unit/sse/streams.ts";
import { MemoryWatch } from "../memory.ts";
import { type Corpus, LARGEST, corpusOf, mutated, randomSizes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { capturedBodies } from "../seeds.ts";
import { type Batch, type Target, same } from "../target.ts";
import { lines } from "../units.ts";
import { BROKEN_UTF8, SSE_WORDS } from "../words.ts";

/** An event stream and how it is cut. */
interface SseCase {
  readonly bytes: Buffer;
  readonly sizes: readonly number[];
}

const STREAMS = 300;
/** Bytes that eventsource-parser treats as a byte order mark, contrary to the standard: see `parseEvents`. */
const MISTAKEN_MARK = Buffer.from("\u00ef\u00bb\u00bf");
const MARK = Buffer.from("\ufeff");

/** Compares the event reader with eventsource-parser: both find the same events. */
export const sse: Target<SseCase> = {
  begin(random): Batch<SseCase> {
    readEvents([Buffer.alloc(LARGEST)]);
    const memory = new MemoryWatch(memorySize, 1000);
    let corpus: Corpus | undefined;
    return {
      generate: () => ({ bytes: mutated(random, (corpus ??= streamCorpus(random))), sizes: randomSizes(random) }),
      check({ bytes, sizes }) {
        memory.count();
        const whole = readEvents([bytes]);
        same("events in chunks", readEvents(cut(bytes, sizes)), whole);
        const start = bytes.subarray(bytes.indexOf(MARK) === 0 ? MARK.length : 0);
        if (start.indexOf(MISTAKEN_MARK) !== 0) same("events", whole, parseEvents(bytes));
      },
      finish: () => memory.check("the event reader"),
    };
  },
};

function streamCorpus(random: Random): Corpus {
  const streams = fc
    .sample(eventStreams, { numRuns: STREAMS, seed: random.next() })
    .map((stream) => Buffer.from(stream));
  const captured = capturedBodies("text/event-stream");
  return corpusOf([...streams, ...captured], [...SSE_WORDS, ...BROKEN_UTF8], lines);
}
