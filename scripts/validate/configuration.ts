/** Plugin configurations that a file contains. */
import type { Document, Node } from "yaml";
import { type Place, placesIn } from "./places.ts";
import type { Text } from "./text.ts";
import { documentsIn, jsonOf } from "./yaml.ts";

/** A plugin configuration, as the filter receives it. */
export interface Configuration {
  /** Its place in the file, like `spec.pluginConfig`; empty for the whole file. */
  readonly path: string;
  /** What the filter receives: JSON, or something that is wrong. */
  readonly bytes: Uint8Array;
  /** The offset in the file of an offset in `bytes` read as UTF-8; a constant if the filter receives other text than the file has. */
  readonly fileOffset: (offset: number) => number;
  /** The places of its values. */
  readonly places: readonly Place[];
}

/** A configuration that is a text: the whole file, or a string in it. `bytes` are the text's, if they are known. */
export function textConfiguration(path: string, text: Text, bytes: Uint8Array = Buffer.from(text.text)): Configuration {
  return { path, bytes, fileOffset: (offset) => text.fileOffset(offset), places: jsonPlaces(text) };
}

/** A configuration that is a value of a document. Throws if it cannot be written as JSON. */
export function nodeConfiguration(path: string, node: Node, document: Document, text: Text): Configuration {
  const start = text.fileOffset(node.range?.[0] ?? 0);
  const bytes = Buffer.from(jsonOf(node, document));
  return { path, bytes, fileOffset: () => start, places: placesIn(node, text) };
}

/** A configuration that is not in the file, so that the filter receives nothing. `offset` is that of the plugin in the file. */
export function absentConfiguration(path: string, offset: number): Configuration {
  return { path, bytes: new Uint8Array(), fileOffset: () => offset, places: [] };
}

/** YAML's parser also finds the values of JSON, and of most text that is nearly JSON. */
function jsonPlaces(text: Text): Place[] {
  try {
    const [document] = documentsIn(text);
    return placesIn(document?.contents, text);
  } catch (error) {
    // The text is nested too deeply for the parser: all its problems are at its beginning.
    if (error instanceof RangeError) return [];
    throw error;
  }
}
