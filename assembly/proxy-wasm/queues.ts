import { SharedQueue } from "../host/shared_queue";
import {
  Status,
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
} from "./module/abi";
import { ArenaMark, releaseSince } from "./module/arena";
import { clearResults, results } from "./module/results";

/** The content of a message that only wakes a plugin instance. */
const WAKE_UP: usize = memory.data<u8>([1]);

/** Messages that one call of {@link HostSharedQueue.drain} takes out at most. */
const DRAIN_LIMIT: i32 = 64;

const mark = new ArenaMark();

/**
 * One of the proxy's shared queues: see `RootContext.onQueueReady`. Envoy never frees a name: names must come from a fixed
 * set.
 */
export class HostSharedQueue extends SharedQueue {
  /** The host's number of the queue; 0 before {@link register}. */
  private token: u32 = 0;

  register(name: string): bool {
    const text = String.UTF8.encode(name);
    clearResults();
    const status = proxy_register_shared_queue(changetype<usize>(text), text.byteLength, results);
    this.token = status == Status.Ok ? load<u32>(results) : 0;
    return this.token != 0;
  }

  wake(): bool {
    return this.token != 0 && proxy_enqueue_shared_queue(this.token, WAKE_UP, 1) == Status.Ok;
  }

  drain(): void {
    if (this.token == 0) return;
    mark.set();
    for (let i = 0; i < DRAIN_LIMIT; i++) {
      clearResults();
      if (proxy_dequeue_shared_queue(this.token, results, results + sizeof<usize>()) != Status.Ok) break;
    }
    releaseSince(mark);
  }
}
