/** What the tokenizer found. */
export enum Token {
  /** The bytes are used up. */
  More,
  /** The bytes are not a JSON text, or exceed a limit: see the tokenizer's `fault`. */
  Error,
  ObjectStart,
  ObjectEnd,
  ArrayStart,
  ArrayEnd,
  Key,
  String,
  Number,
  True,
  False,
  Null,
  /** Bytes of a captured value, with more to come. */
  Part,
  /** The last bytes of a captured value. */
  LastPart,
}

/** Why a document cannot be read. */
export enum Fault {
  None,
  /** Not JSON by RFC 8259, or bytes after the document. */
  Syntax,
  /** More open containers than the tokenizer supports. */
  Depth,
}
