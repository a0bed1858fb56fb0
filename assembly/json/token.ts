/** What the tokenizer found. */
export enum Token {
  /** The bytes are used up. */
  More,
  /** The bytes are no JSON text, or one beyond a limit: see its `fault`. */
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
  /** Bytes of a value that is captured, with more to come. */
  Part,
  /** The last of them: the value is over. */
  LastPart,
}

/** Why a document cannot be read. */
export enum Fault {
  None,
  /** Not RFC 8259 JSON, bytes after the document included. */
  Syntax,
  /** Containers nested deeper than the tokenizer follows. */
  Depth,
}
