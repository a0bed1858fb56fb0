/** The number of local replies and rewritten requests after which garbage is collected. */
const REPLY_LIMIT: u32 = 64;
let replies: u32 = 0;

/**
 * Frees unreferenced managed objects. The `minimal` runtime (asconfig.json) collects only on request. It therefore needs no
 * shadow stack, which would cost a third of the module's size and speed. A collection is safe only where no local variable
 * holds a reference: at the end of a callback. Traffic in steady state allocates no managed objects.
 */
export function collectGarbage(): void {
  replies = 0;
  __collect();
}

/** Counts a local reply, or a request whose body the module rewrites. Both leave some garbage. */
export function countReply(): void {
  replies++;
}

/** Collects garbage after every {@link REPLY_LIMIT} replies, since a denied client may retry at once. */
export function collectAfterReplies(): void {
  if (replies >= REPLY_LIMIT) collectGarbage();
}
