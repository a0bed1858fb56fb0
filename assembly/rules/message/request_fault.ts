/**
 * Why a request is rejected as a whole, before its messages are decided one by one: two parsers could read it
 * differently, or it cannot be read here.
 */
export enum RequestFault {
  None,
  /** Not one JSON document (RFC 8259). Bytes before or after the document count too. */
  NotJson,
  NotUtf8,
  TooDeep,
  /** A deciding member is duplicated. */
  DuplicateKey,
  /** A member's name differs from a deciding one only by case. */
  CaseVariant,
  /** The name of a deciding member contains escape sequences. */
  EscapedKey,
  /** A deciding string has half of a surrogate pair or a NUL. */
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
  /** A protocol other than HTTP, whose messages the filter could not see. */
  Upgrade,
  /** `Mcp-Method` or `Mcp-Name` differ from the body. */
  HeaderMismatch,
  /** The body to be held never arrived: the plugin may not hold headers. */
  NoBody,
  /** The plugin holds too many requests or bytes, for this caller or in total. */
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

/** The name of a reason in answers and in the audit log. */
export function requestFaultName(fault: RequestFault): string {
  return NAMES[fault];
}
