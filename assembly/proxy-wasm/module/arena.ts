/** The size of the arena in bytes: enough for one slice of a body, or for the headers of most requests. */
const CAPACITY: usize = 65536 + 16;

const base: usize = heap.alloc(CAPACITY);
let used: usize = 0;
/** A linked list of blocks that did not fit into the arena. Each begins with the address of the next. */
let overflow: usize = 0;

/**
 * Allocates memory for values that the host returns, valid until the callback ends. The host calls this during host calls of
 * the module, when some managed objects are referenced by raw addresses only. It therefore never allocates a managed object.
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

/** Changes when values that the host has returned are freed, or when host calls start to apply to another stream. Then
 *  values read for a stream must be read again. */
export let arenaEpoch: u32 = 0;

/** Host calls apply to another stream from now on. Values that the host has returned remain valid. */
export function beginEpoch(): void {
  arenaEpoch++;
}

/** A position in the arena: see {@link releaseSince}. */
export class ArenaMark {
  used: usize = 0;
  overflow: usize = 0;

  /** Moves the mark to the current position. */
  set(): void {
    this.used = used;
    this.overflow = overflow;
  }
}

/** Frees the values that the host has returned since the mark was set. */
export function releaseSince(mark: ArenaMark): void {
  used = mark.used;
  freeOverflow(mark.overflow);
}

/** Frees all values that the host has returned in the current callback. */
export function resetArena(): void {
  arenaEpoch++;
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
