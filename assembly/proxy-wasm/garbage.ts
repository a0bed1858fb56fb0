/** Replies whose texts may lie about until they are collected. */
const REPLY_LIMIT: u32 = 64;
let replies: u32 = 0;

/**
 * Frees the managed objects that nothing refers to any more. The runtime (`minimal`, in asconfig.json) does it only when
 * asked, and so needs no stack of its own for the references in hand, which would cost a third of both the module's size
 * and its speed. To be called only where none are: at the end of a callback. Traffic in steady state makes no managed
 * objects.
 */
export function collectGarbage(): void {
  replies = 0;
  __collect();
}

/** The module has answered a request itself, which makes texts. */
export function countReply(): void {
  replies++;
}

/** Collects where that has been done often enough: whoever is denied may come again at once. */
export function collectAfterReplies(): void {
  if (replies >= REPLY_LIMIT) collectGarbage();
}
