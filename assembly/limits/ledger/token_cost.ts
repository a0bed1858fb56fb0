/** Number of bytes that count as one token in a response that could not be read. */
export const BYTES_PER_TOKEN: u64 = 3;
/** The lowest HTTP status whose body is not a result, and costs nothing. */
export const FIRST_ERROR_STATUS: i32 = 300;
/** Maximum number of tokens passed to Envoy, which charges nothing at all above the maximum of its `hits_addend`. */
export const HITS_LIMIT: u64 = 1_000_000_000;
