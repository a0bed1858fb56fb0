/** The end of a queue that is woken: a root context of a VM. */
export interface QueueOwner {
  /** Runs `proxy_on_queue_ready` of a root context; nothing where it is gone, or its VM has failed. */
  wake(rootId: number, token: number): void;
}

interface Queue {
  owner: QueueOwner;
  rootId: number;
  readonly messages: Uint8Array[];
}

/**
 * The shared queues of a proxy process: what all VMs of one vm_id see. As in Envoy there is one queue a name, no way to
 * unregister it, and each message wakes only the root context that registered the name last. A wake-up is a turn of its
 * own of that worker's event loop: a test runs it with {@link turn}.
 */
export class SharedQueues {
  readonly #tokens = new Map<string, number>();
  readonly #queues: Queue[] = [];
  #posted: (() => void)[] = [];

  /** Registers a name: the root context is the one that is woken from now on. Tokens begin at 1. */
  register(name: string, owner: QueueOwner, rootId: number): number {
    const known = this.#tokens.get(name);
    if (known !== undefined) {
      Object.assign(this.#queues[known - 1], { owner, rootId });
      return known;
    }
    this.#queues.push({ owner, rootId, messages: [] });
    this.#tokens.set(name, this.#queues.length);
    return this.#queues.length;
  }

  /** The token of a name that is registered. */
  find(name: string): number | undefined {
    return this.#tokens.get(name);
  }

  /** Adds a message, and posts the wake-up. False where there is no such queue. */
  enqueue(token: number, message: Uint8Array): boolean {
    const queue = this.#queues[token - 1] as Queue | undefined;
    if (queue === undefined) return false;
    queue.messages.push(Uint8Array.from(message));
    const { owner, rootId } = queue;
    this.#posted.push(() => owner.wake(rootId, token));
    return true;
  }

  /** Takes the oldest message out; undefined where the queue is empty, null where there is none. */
  dequeue(token: number): Uint8Array | undefined | null {
    const queue = this.#queues[token - 1] as Queue | undefined;
    return queue === undefined ? null : queue.messages.shift();
  }

  /** Runs the wake-ups that were posted before this turn of the event loop. Returns how many they were. */
  turn(): number {
    const posted = this.#posted;
    this.#posted = [];
    for (const wake of posted) wake();
    return posted.length;
  }

  /** All names there are. */
  names(): string[] {
    return [...this.#tokens.keys()];
  }

  /** Messages that nobody has taken out. */
  get waiting(): number {
    return this.#queues.reduce((sum, { messages }) => sum + messages.length, 0);
  }
}
