import { isUtf8 } from "node:buffer";
import { cut } from "../../../test/unit/chunks.ts";
import { expectedMessages } from "../../../test/unit/mcp/oracle.ts";
import { type Message, type Faulty, memorySize, readMessages } from "../../../test/unit/mcp/reader.ts";
import { parseEvents } from "../../../test/unit/sse/events.ts";
import { MemoryWatch } from "../memory.ts";
import { type Corpus, LARGEST, mutated, randomSizes } from "../mutate.ts";
import { messageCorpus } from "../messages.ts";
import { type Batch, Mismatch, type Target, same } from "../target.ts";
import { DEPTH_LIMIT, depthOf, isJson, writtenAs } from "../written.ts";

/** A body with messages, or nearly so, and how it is cut. */
interface MessageCase {
  readonly isEventStream: boolean;
  readonly bytes: Buffer;
  readonly sizes: readonly number[];
}

/** Compares the reader of messages with `JSON.parse` and eventsource-parser. */
export const jsonrpc: Target<MessageCase> = {
  begin(random): Batch<MessageCase> {
    readMessages(false, [Buffer.alloc(LARGEST, " ")]);
    const memory = new MemoryWatch(memorySize, 1000);
    let corpus: Corpus | undefined;
    return {
      generate() {
        const seeds = (corpus ??= messageCorpus(random));
        const isEventStream = random.oneIn(4);
        const texts = Array.from({ length: isEventStream ? random.size(1, 4) : 1 }, () => mutated(random, seeds));
        const bytes = isEventStream ? Buffer.concat(texts.flatMap(framed)).subarray(0, LARGEST) : texts[0];
        return { isEventStream, bytes, sizes: randomSizes(random) };
      },
      check(input) {
        check(input);
        memory.count();
      },
      finish: () => memory.check("the message reader"),
    };
  },
};

/** A text as an event. Its line ends split it into several lines of data, or none. */
function framed(text: Buffer): Buffer[] {
  return [Buffer.from("data: "), text, Buffer.from("\n\n")];
}

function check({ isEventStream, bytes, sizes }: MessageCase): void {
  const found = readMessages(isEventStream, [bytes]);
  same("messages in chunks", readMessages(isEventStream, cut(bytes, sizes)), found);
  if (!isUtf8(bytes)) return;
  if (!isEventStream) return checkText(bytes.toString(), found);
  const texts = parseEvents(bytes).flatMap(({ isMessage, data }) => (isMessage ? [data] : []));
  const each = texts.map((text) => readMessages(false, [Buffer.from(text)]));
  same("messages of events", found, each.flat());
  texts.forEach((text, i) => checkText(text, each[i]));
}

function checkText(text: string, found: readonly (Message | Faulty)[]): void {
  if (/^[ \t\n\r]*$/.test(text)) return same("messages of white space", found, []);
  const isRead = isJson(text) && depthOf(text) <= DEPTH_LIMIT;
  if (isRead) return same("messages", found, expectedMessages(text, writtenAs(text)));
  const last = found.at(-1);
  const hasFault = last !== undefined && !("kind" in last) && last.fault !== "None";
  if (!hasFault) throw new Mismatch("what is no JSON", found, "a fault at its end");
}
