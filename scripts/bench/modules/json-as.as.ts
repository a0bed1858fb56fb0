// Parses a document with undeclared members with json-as.
import { JSON } from "json-as";

/** Parses a document. Returns the number of members of its root. */
export function parse(text: string): i32 {
  return JSON.parse<JSON.Obj>(text).keys().length;
}
