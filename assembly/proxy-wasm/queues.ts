import { SharedQueue } from "../host/shared_queue";
import { Properties } from "../host/properties";
import {
  Status,
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "./module/abi";
import { clearResults, results } from "./module/results";

/** The content of a message that only wakes a plugin instance. */
const WAKE_UP: usize = memory.data<u8>([1]);

/**
 * The proxy's shared queues. Messages are announced by `RootContext.onQueueReady`. Envoy never frees a name, so names must
 * come from a fixed set.
 */
export class HostSharedQueue extends SharedQueue {
  /** The host's number for the instance's own queue; 0 before {@link register}. */
  private token: u32 = 0;
  /** The last registered name, and its UTF-8 encoding. */
  private name: string = "";
  private bytes: ArrayBuffer = new ArrayBuffer(0);

  constructor(private properties: Properties) {
    super();
  }

  register(name: string): bool {
    if (this.name != name) {
      this.name = name;
      this.bytes = String.UTF8.encode(name);
    }
    const bytes = this.bytes;
    clearResults();
    const status = proxy_register_shared_queue(changetype<usize>(bytes), bytes.byteLength, results);
    this.token = status == Status.Ok ? load<u32>(results) : 0;
    return this.token != 0;
  }

  find(name: string): u32 {
    const text = String.UTF8.encode(name);
    const vm = this.properties;
    const vmLength = vm.find("plugin_vm_id") ? vm.length : 0;
    clearResults();
    const status = proxy_resolve_shared_queue(vm.at, vmLength, changetype<usize>(text), text.byteLength, results);
    return status == Status.Ok ? load<u32>(results) : 0;
  }

  wake(): bool {
    return this.send(this.token, WAKE_UP, 1);
  }

  send(queue: u32, at: usize, length: usize): bool {
    return queue != 0 && proxy_enqueue_shared_queue(queue, at, length) == Status.Ok;
  }

  next(): bool {
    if (this.token == 0) return false;
    clearResults();
    if (proxy_dequeue_shared_queue(this.token, results, results + sizeof<usize>()) != Status.Ok) return false;
    this.at = load<usize>(results);
    this.length = load<usize>(results, sizeof<usize>());
    return true;
  }
}
