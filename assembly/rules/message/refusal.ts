/** Why a request is refused whose messages are not decided one by one: two parsers could read it differently, or it cannot
 *  be read here at all. */
export enum RequestRefusal {
  None,
  /** Not one JSON document (RFC 8259), bytes before or after it included. */
  NotJson,
  NotUtf8,
  TooDeep,
  /** A deciding member is duplicate. */
  DuplicateKey,
  /** A member's name differs from a deciding one by case. */
  CaseVariant,
  /** The name of a deciding member is written with escape sequences. */
  EscapedKey,
  /** A deciding text holds half of a surrogate pair or a NUL. */
  BadText,
  /** Neither a string nor an integer, or too long. */
  BadId,
  /** Neither a request nor a notification nor a response. */
  NoMessage,
  /** A batch that is empty, nested or too long. */
  BadBatch,
  TooLarge,
  Compressed,
  /** Not `application/json` in UTF-8. */
  ContentType,
  /** Another protocol than HTTP, whose messages nobody would see. */
  Upgrade,
  /** `Mcp-Method` or `Mcp-Name` say something else than the body. */
  HeaderMismatch,
  /** The body that was to be held never came: the plugin may not hold headers. */
  NoBody,
  /** Too many requests, or bytes of them, are held: of this caller, or of all. */
  Overload,
  /** The decision could not be made. */
  Internal,
}

const NAMES: string[] = [
  "",
  "not_json",
  "not_utf8",
  "too_deep",
  "duplicate_key",
  "case_variant_key",
  "escaped_key",
  "bad_text",
  "bad_id",
  "no_message",
  "bad_batch",
  "too_large",
  "compressed",
  "content_type",
  "upgrade",
  "header_mismatch",
  "no_body",
  "too_many_held",
  "internal",
];

/** What an answer and the audit say. */
export function refusalName(refusal: RequestRefusal): string {
  return NAMES[refusal];
}
