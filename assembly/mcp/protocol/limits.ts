/** The maximum length of a stored target name, in bytes. The specification recommends at most 128 characters (2025-11-25,
 *  server/tools, "Tool Names"). */
export const NAME_LIMIT: u32 = 128;

/** The maximum length of a stored name of the client's software, in bytes. */
export const CLIENT_NAME_LIMIT: u32 = 64;

/** The maximum number of messages in a batch. The gate rejects longer batches. */
export const BATCH_LIMIT: i32 = 128;

/** Stands for a missing JSON-RPC error code. */
export const NO_CODE: i32 = i32.MIN_VALUE;
