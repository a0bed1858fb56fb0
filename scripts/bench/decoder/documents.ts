/** A document to decode. There is one for each way in which a document can be large. */
import * as messages from "../messages.ts";

export interface Document {
  id: string;
  title: string;
  isEventStream: boolean;
  text: string;
  bytes: Buffer;
  /** Number of JSON-RPC messages. */
  messages: number;
}

const MIB = 1 << 20;

function document(id: string, title: string, text: string, events = 0): Document {
  return { id, title, isEventStream: events > 0, text, bytes: Buffer.from(text), messages: events || 1 };
}

/** A result with little besides `content`. */
function result(content: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, result: { ...content, isError: false } });
}

/** Bytes like those of an image: the same on each run, and without a pattern. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function progress(count: number): string {
  const steps = Array.from({ length: count - 1 }, (_, step) => messages.event(messages.progress(step + 1, count)));
  return steps.join("") + messages.event(messages.toolResult(500));
}

export const DOCUMENTS: readonly Document[] = [
  document(
    "base64",
    "string-heavy: an image in base64",
    result({ content: [{ type: "image", mimeType: "image/png", data: noise(MIB * 0.75).toString("base64") }] }),
  ),
  document(
    "text",
    "string-heavy: text with escapes",
    result({ content: [{ type: "text", text: messages.prose(MIB) }] }),
  ),
  document(
    "rows",
    "structure-heavy: rows of small values",
    result({ structuredContent: { rows: messages.rows(MIB) } }),
  ),
  document("sse", "SSE: 10 000 small events", progress(10_000), 10_000),
];
