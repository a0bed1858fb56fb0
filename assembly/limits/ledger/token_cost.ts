/** Bytes that count as a token where an answer could not be read. */
export const BYTES_PER_TOKEN: u64 = 3;
/** From this HTTP status on, the body of an answer is no result, and costs nothing. */
export const FIRST_ERROR_STATUS: i32 = 300;
/** The most tokens that are handed on: Envoy charges nothing at all for more than its `hits_addend` can be. */
export const HITS_LIMIT: u64 = 1_000_000_000;
