import { EndpointEvent } from "../../../assembly/mcp/exchange/endpoint_event";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "target")
declare function traceTarget(at: usize, length: i32): void;

let event: EndpointEvent = EndpointEvent.acquire(0, 0, 0);

/** Starts a stream with this path. */
export function begin(path: usize, pathLength: i32): void {
  event.release();
  event = EndpointEvent.acquire(path, pathLength, 0);
}

export function feed(at: usize, length: usize): void {
  event.feed(at, length);
}

/** Reports the target; nothing if the event's data is not an endpoint. */
export function resolve(): void {
  if (event.resolve()) traceTarget(event.target, event.targetLength);
}
