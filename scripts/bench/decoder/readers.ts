/** The readers of the documents: the filter's decoder, and well-known parsers. */
import { JSONParser } from "@streamparser/json";
import { createParser } from "eventsource-parser";
import { load } from "../../compile.ts";
import type { Document } from "./documents.ts";

/** A parser to measure. */
export interface Reader {
  id: string;
  title: string;
  /** Prepares everything that is not part of reading, such as strings and memory. The returned function reads the
   *  document once, and returns the number of messages. Undefined if the reader does not support the document. */
  prepare: (document: Document) => (() => number) | undefined;
}

/** The reader that others are compared with. */
export const REFERENCE = "JSON.parse";

/** Size of the slices in which bytes arrive, as in the filter. */
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

/** Parses the data of each event; eventsource-parser splits the event stream. */
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

/** Asks for one small member, so that the parser need not build the rest. */
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

/**
 * Uses json-as's type for documents with undeclared members, which keeps everything below the root's members as text
 * until it is read.
 */
async function jsonAs(): Promise<Reader> {
  // The transform reads its mode from the environment. This is the fastest mode.
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
