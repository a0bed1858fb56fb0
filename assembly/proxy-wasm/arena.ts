/** What the arena holds: one slice of a body, or the headers of most requests. */
const CAPACITY: usize = 65536 + 16;

const base: usize = heap.alloc(CAPACITY);
let used: usize = 0;
/** A chain of the blocks that did not fit: each begins with the address of the next. */
let overflow: usize = 0;

/**
 * Memory for what the host hands over, valid until the callback ends. The host calls it in the midst of our own calls,
 * when managed objects may be known by a raw pointer only, so it never allocates a managed one.
 */
export function proxy_on_memory_allocate(size: usize): usize {
  const from = base + used;
  const aligned = (size + 15) & ~15;
  if (used + aligned <= CAPACITY) {
    used += aligned;
    return from;
  }
  const block = heap.alloc(size + 16);
  store<usize>(block, overflow);
  overflow = block;
  return block + 16;
}

/** Where the arena stands: see {@link releaseSince}. */
export class ArenaMark {
  used: usize = 0;
  overflow: usize = 0;

  /** Sets the mark here. */
  set(): void {
    this.used = used;
    this.overflow = overflow;
  }
}

/** Takes back what was handed over since the mark was set, which must not be used any more. */
export function releaseSince(mark: ArenaMark): void {
  used = mark.used;
  freeOverflow(mark.overflow);
}

/** Takes back all that was handed over: nothing of it may be used any more. */
export function resetArena(): void {
  used = 0;
  freeOverflow(0);
}

function freeOverflow(downTo: usize): void {
  while (overflow != downTo) {
    const next = load<usize>(overflow);
    heap.free(overflow);
    overflow = next;
  }
}
