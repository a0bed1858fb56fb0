/** What JSON's grammar (RFC 8259) allows next. */
export enum Expect {
  Value,
  /** After `[`. */
  ValueOrEnd,
  /** After `{`. */
  KeyOrEnd,
  Key,
  Colon,
  CommaOrEnd,
  /** After the root value. */
  Nothing,
}
