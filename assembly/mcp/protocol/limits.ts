/** Longest target name kept. The specification asks for at most 128 characters (2025-11-25, server/tools, "Tool Names"). */
export const NAME_LIMIT: u32 = 128;

/** Longest name of a client's software kept. */
export const CLIENT_NAME_LIMIT: u32 = 64;

/** Messages of a batch that the gate decides; it refuses longer ones. */
export const BATCH_LIMIT: i32 = 128;

/** No JSON-RPC error code. */
export const NO_CODE: i32 = i32.MIN_VALUE;
