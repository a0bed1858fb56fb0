/** What reads the documents: the filter's decoder, and well-known parsers beside it. */
import { JSONParser } from "@streamparser/json";
import { createParser } from "eventsource-parser";
import { load } from "../../compile.ts";
import type { Document } from "./documents.ts";

/** One of them. */
export interface Reader {
  id: string;
  title: string;
  /** Makes ready whatever does not belong to reading: strings, memory. The function that comes back reads the document
   *  once, and returns how many messages it found. Undefined where the reader is not for such a document. */
  prepare: (document: Document) => (() => number) | undefined;
}

/** What the others are compared with. */
export const REFERENCE = "JSON.parse";

/** Bytes come in slices of this size, as the filter reads them. */
const SLICE = 65_536;

export async function makeReaders(): Promise<Reader[]> {
  return [await decoder(), jsonParse(), jsonParseOfBytes(), eventsourceParser(), streamParser(), await jsonAs()];
}

async function decoder(): Promise<Reader> {
  const exports = await load<{
    allocate: (size: number) => number;
    decode: (at: number, length: number, isEventStream: boolean) => number;
  }>("scripts/bench/modules/decoder.as.ts");
  return {
    id: "decoder",
    title: "the filter's decoder",
    prepare: ({ bytes, isEventStream }) => {
      const at = exports.allocate(bytes.length);
      new Uint8Array(exports.memory!.buffer).set(bytes, at);
      return () => exports.decode(at, bytes.length, isEventStream);
    },
  };
}

/** Of events, each one's data; the parser of the event stream is eventsource-parser. */
function jsonParse(): Reader {
  return {
    id: REFERENCE,
    title: "JSON.parse of a string (of events: behind eventsource-parser)",
    prepare: (document) => () => parseString(document.text, document.isEventStream),
  };
}

function jsonParseOfBytes(): Reader {
  return {
    id: "bytes",
    title: "the same, of bytes made a string first",
    prepare:
      ({ bytes, isEventStream }) =>
      () =>
        parseString(bytes.toString(), isEventStream),
  };
}

function parseString(text: string, isEventStream: boolean): number {
  let messages = 0;
  const parse = (json: string) => {
    if ((JSON.parse(json) as { jsonrpc: string }).jsonrpc === "2.0") messages++;
  };
  if (isEventStream) createParser({ onEvent: ({ data }) => parse(data) }).feed(text);
  else parse(text);
  return messages;
}

function eventsourceParser(): Reader {
  return {
    id: "eventsource-parser",
    title: "eventsource-parser alone",
    prepare: ({ text, isEventStream }) => {
      if (!isEventStream) return undefined;
      return () => {
        let messages = 0;
        createParser({ onEvent: () => messages++ }).feed(text);
        return messages;
      };
    },
  };
}

/** Asked for one small member, so that it need not build the rest. */
function streamParser(): Reader {
  return {
    id: "@streamparser/json",
    title: "@streamparser/json, one member asked for",
    prepare: ({ bytes, isEventStream }) => {
      if (isEventStream) return undefined;
      return () => {
        let messages = 0;
        const parser = new JSONParser({ paths: ["$.jsonrpc"], keepStack: false });
        parser.onValue = () => messages++;
        for (let at = 0; at < bytes.length; at += SLICE) parser.write(bytes.subarray(at, at + SLICE));
        return messages;
      };
    },
  };
}

/** Its type for documents whose members nobody has declared; what is deeper than the root's members stays text in it until
 *  someone asks. */
async function jsonAs(): Promise<Reader> {
  // Its transform reads from the environment which of its ways to build; this is the fastest.
  const options = { flags: ["--transform", "json-as"], env: { JSON_MODE: "SIMD" } };
  const exports = await load<{ parse: (text: number) => number }>("scripts/bench/modules/json-as.as.ts", options);
  return {
    id: "json-as",
    title: "json-as, JSON.Obj of a string (lazy below the root)",
    prepare: ({ text, isEventStream }) => {
      if (isEventStream) return undefined;
      const at = exports.__pin(exports.__newString(text));
      return () => (exports.parse(at) === 3 ? 1 : -1);
    },
  };
}
