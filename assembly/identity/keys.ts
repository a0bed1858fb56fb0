/**
 * Identities as 64-bit hashes. 0 means none. They are keyed, since untrusted parties can choose most of the hashed data, and
 * all workers of a proxy compute the same hashes.
 */

/** Identifies a server: a hash of its configured name, or of the upstream cluster's name. */
export type ServerKey = u64;

/** Identifies a caller: a hash of its principal or its IP address. */
export type CallerKey = u64;

/** Identifies a session or an activity window on one server. */
export type SessionKey = u64;

/** Identifies a tool: a hash of its name. Equal names on different servers have equal keys. */
export type ToolKey = u64;

/** Identifies a task: a hash of its id. Equal ids on different servers have equal keys. */
export type TaskKey = u64;
