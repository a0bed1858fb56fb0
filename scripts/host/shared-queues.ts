/** The receiving end of a queue: a root context of a VM. */
export interface QueueOwner {
  /** Runs `proxy_on_queue_ready` of a root context. Does nothing if it no longer exists or its VM has failed. */
  wake(rootId: number, token: number): void;
}

interface Queue {
  owner: QueueOwner;
  rootId: number;
  readonly messages: Uint8Array[];
}

/**
 * The shared queues of a proxy process, which all VMs with one vm_id access. As in Envoy, there is one queue per name, it
 * cannot be unregistered, and each message wakes only the root context that registered the name last. A wake-up is a
 * separate iteration of that worker's event loop: a test runs it with {@link turn}.
 */
export class SharedQueues {
  readonly #tokens = new Map<string, number>();
  readonly #queues: Queue[] = [];
  #posted: (() => void)[] = [];

  /** Registers a name. The queue wakes this root context from now on. Tokens start at 1. */
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

  /** The token of a registered name. */
  find(name: string): number | undefined {
    return this.#tokens.get(name);
  }

  /** Adds a message and posts the wake-up. False if the queue does not exist. */
  enqueue(token: number, message: Uint8Array): boolean {
    const queue = this.#queues[token - 1] as Queue | undefined;
    if (queue === undefined) return false;
    queue.messages.push(Uint8Array.from(message));
    const { owner, rootId } = queue;
    this.#posted.push(() => owner.wake(rootId, token));
    return true;
  }

  /** Removes the oldest message. Undefined if the queue is empty, null if it does not exist. */
  dequeue(token: number): Uint8Array | undefined | null {
    const queue = this.#queues[token - 1] as Queue | undefined;
    return queue === undefined ? null : queue.messages.shift();
  }

  /** Runs the wake-ups posted before this iteration of the event loop. Returns their number. */
  turn(): number {
    const posted = this.#posted;
    this.#posted = [];
    for (const wake of posted) wake();
    return posted.length;
  }

  /** All registered names. */
  names(): string[] {
    return [...this.#tokens.keys()];
  }

  /** The messages in all queues. */
  get waiting(): number {
    return this.#queues.reduce((sum, { messages }) => sum + messages.length, 0);
  }
}
