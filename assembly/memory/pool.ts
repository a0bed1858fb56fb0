/** Blocks of one size in unmanaged memory. Released blocks are reused, so steady state allocates nothing. */
export class Pool {
  private free: usize = 0;

  constructor(private size: usize) {}

  /** Returns a block of the pool's size, filled with zeros. */
  acquire(): usize {
    let block = this.free;
    if (block) this.free = load<usize>(block);
    else block = heap.alloc(this.size);
    memory.fill(block, 0, this.size);
    return block;
  }

  /** Returns a block to the pool. The caller must not use it afterwards. */
  release(block: usize): void {
    store<usize>(block, this.free);
    this.free = block;
  }
}
