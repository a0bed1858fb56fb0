import { Action } from "./abi";
import { resetArena } from "./arena";
import {
  RootContext,
  closeRoot,
  closeStream,
  findStream,
  foundHandle,
  foundRoot,
  openRoot,
  openStream,
  rootOf,
  setHandle,
} from "./contexts";

import { collectAfterReplies, collectGarbage } from "./garbage";
import { forgetTime } from "../clock";

import "./abort";

export { proxy_on_memory_allocate } from "./arena";

/** Garbage is collected once in this number of ticks, since ticks and log lines leave little garbage. */
const TICKS_PER_COLLECTION: u32 = 32;
let ticks: u32 = 0;

// The callbacks of the proxy-wasm ABI 0.2.1. Each one finds its context, calls it, and frees the values that the host has
// returned.

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_vm_start(_rootId: u32, _configurationSize: usize): bool {
  return true;
}

export function proxy_on_context_create(id: u32, parentId: u32): void {
  if (parentId == 0) openRoot(id);
  else openStream(id, parentId);
}

export function proxy_on_configure(rootId: u32, configurationSize: usize): bool {
  const root = rootOf(rootId);
  const accepted = root ? root.onConfigure(configurationSize) : true;
  endCallback();
  collectGarbage();
  return accepted;
}

export function proxy_on_tick(rootId: u32): void {
  const root = rootOf(rootId);
  if (root) root.onTick();
  endCallback();
  if (++ticks % TICKS_PER_COLLECTION == 0) collectGarbage();
}

export function proxy_on_queue_ready(rootId: u32, _token: u32): void {
  const root = rootOf(rootId);
  if (root) root.onQueueReady();
  endCallback();
}

export function proxy_on_http_call_response(
  rootId: u32,
  token: u32,
  headers: u32,
  bodySize: usize,
  _trailers: u32,
): void {
  const root = rootOf(rootId);
  if (root) root.onCalloutResponse(token, headers, bodySize);
  endCallback();
}

export function proxy_on_request_headers(id: u32, _count: u32, endOfStream: bool): Action {
  if (!findStream(id)) return Action.Continue;
  const root = changetype<RootContext>(foundRoot);
  const action = root.onRequestHeaders(id, endOfStream);
  if (root.newHandle) setHandle(id, root.newHandle);
  else closeStream(id);
  endCallback();
  return action;
}

export function proxy_on_request_body(id: u32, size: usize, endOfStream: bool): Action {
  if (!isServed(id)) return Action.Continue;
  const action = changetype<RootContext>(foundRoot).onRequestBody(foundHandle, size, endOfStream);
  endCallback();
  return action;
}

export function proxy_on_request_trailers(id: u32, _count: u32): Action {
  if (!isServed(id)) return Action.Continue;
  const action = changetype<RootContext>(foundRoot).onRequestTrailers(foundHandle);
  endCallback();
  return action;
}

export function proxy_on_response_headers(id: u32, _count: u32, endOfStream: bool): Action {
  if (!isServed(id)) return Action.Continue;
  const action = changetype<RootContext>(foundRoot).onResponseHeaders(foundHandle, endOfStream);
  endCallback();
  return action;
}

export function proxy_on_response_body(id: u32, size: usize, endOfStream: bool): Action {
  if (!isServed(id)) return Action.Continue;
  const action = changetype<RootContext>(foundRoot).onResponseBody(foundHandle, size, endOfStream);
  endCallback();
  return action;
}

export function proxy_on_response_trailers(id: u32, _count: u32): Action {
  if (!isServed(id)) return Action.Continue;
  const action = changetype<RootContext>(foundRoot).onResponseTrailers(foundHandle);
  endCallback();
  return action;
}

/** The end of a stream, before the proxy writes its access log. */
export function proxy_on_log(id: u32): void {
  if (isServed(id)) changetype<RootContext>(foundRoot).onEnd(foundHandle);
  closeStream(id);
  endCallback();
}

/** The end of a plugin instance, or of a stream that had no log callback. `proxy_on_delete` follows at once, or after
 *  `proxy_done` if this returns false. */
export function proxy_on_done(id: u32): bool {
  let isDone = true;
  if (isServed(id)) changetype<RootContext>(foundRoot).onEnd(foundHandle);
  else isDone = closeRoot(id);
  closeStream(id);
  endCallback();
  return isDone;
}

/** Does nothing, because the context has ended. For hosts that require this export. */
export function proxy_on_delete(_id: u32): void {}

/** Frees the values that the host has returned, and clears the cached time. */
function endCallback(): void {
  resetArena();
  forgetTime();
  collectAfterReplies();
}

/** Whether the stream has a handle. Sets `foundRoot` and `foundHandle`. */
function isServed(id: u32): bool {
  return findStream(id) && foundHandle != 0;
}
