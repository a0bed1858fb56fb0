/**
 * What identifies things: hashes, never 0, which stands for none. They are keyed, since untrusted parties can choose most of
 * what is hashed, and all workers of a proxy compute the same ones.
 */

/** Of a server: a hash of its configured name, else of the upstream cluster's. */
export type ServerKey = u64;

/** Of a caller: a hash of its principal or its IP address. */
export type CallerKey = u64;

/** Of a session or an activity window, on one server. */
export type SessionKey = u64;

/** Of a tool: a hash of its name. Equal names on different servers have equal keys. */
export type ToolKey = u64;

/** Of a task: a hash of its id. Equal ids on different servers have equal keys. */
export type TaskKey = u64;
