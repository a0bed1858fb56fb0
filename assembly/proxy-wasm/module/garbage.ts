/** Replies and rewritten requests after which the garbage that they leave is collected. */
const REPLY_LIMIT: u32 = 64;
let replies: u32 = 0;

/**
 * Frees the managed objects that are no longer referenced. The runtime (`minimal`, in asconfig.json) collects only on
 * request. It therefore needs no shadow stack, which would cost a third of the module's size and speed, but a collection
 * is safe only where no local variable holds a reference: at the end of a callback. Traffic in steady state allocates no
 * managed objects.
 */
export function collectGarbage(): void {
  replies = 0;
  __collect();
}

/** Counts a reply by the module itself, or a request whose body it rewrites: both leave some garbage. */
export function countReply(): void {
  replies++;
}

/** Collects garbage after every {@link REPLY_LIMIT} replies: a client that is denied may retry at once. */
export function collectAfterReplies(): void {
  if (replies >= REPLY_LIMIT) collectGarbage();
}
