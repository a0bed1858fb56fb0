import { Table } from "../../memory/table";
import { Action } from "./abi";

/**
 * A plugin instance in this VM: one filter entry of a listener or route. One VM hosts several, so all data that depends on
 * the configuration belongs here and not in a global. A stream is represented by a handle that the plugin chooses (an
 * address, for example) and receives with each callback of the stream.
 */
export abstract class RootContext {
  /** The handle that {@link onRequestHeaders} chose for its stream; 0 for none. */
  newHandle: usize = 0;
  /** Whether the closed instance still waits for the response to a callout. {@link onClose} sets it; the instance then ends
   *  with {@link forgetRoot}. */
  isFinishing: bool = false;

  constructor(readonly id: u32) {}

  /** The instance receives its configuration, `size` bytes. False rejects the configuration. */
  abstract onConfigure(size: usize): bool;
  /** The tick period has elapsed. */
  abstract onTick(): void;
  /** A message has arrived on a shared queue that this instance was the last to register. This is a separate iteration of
   *  the worker's event loop. */
  abstract onQueueReady(): void;
  /** The response to a callout of this instance, identified by the callout's token. It has `headers` headers (0 if there was
   *  no response) and `size` bytes of body, readable during this callback. Ignored by default. */
  onCalloutResponse(_token: u32, _headers: u32, _size: usize): void {}
  /** The instance is no longer used and has no open streams. If it sets {@link isFinishing}, it still receives ticks, and
   *  also responses to callouts if the VM lives on. */
  abstract onClose(): void;
  /** The headers of a new stream. The implementation stores its handle in `newHandle`; with 0, the stream passes without
   *  further callbacks. */
  abstract onRequestHeaders(stream: u32, endOfStream: bool): Action;
  abstract onRequestBody(stream: usize, size: usize, endOfStream: bool): Action;
  abstract onRequestTrailers(stream: usize): Action;
  abstract onResponseHeaders(stream: usize, endOfStream: bool): Action;
  abstract onResponseBody(stream: usize, size: usize, endOfStream: bool): Action;
  abstract onResponseTrailers(stream: usize): Action;
  /** The stream has ended. Its handle is not used again. */
  abstract onEnd(stream: usize): void;
}

/** A stream with a handle, and the plugin instance that serves it. Pooled. */
@unmanaged
class StreamEntry {
  root: usize;
  handle: usize;
  nextFree: usize;
}

/** All plugin instances. Streams refer to them by address only, so this array keeps them alive. */
const roots: RootContext[] = [];
/** The addresses of the plugin instances by id. */
const rootsById = new Table(16);
const streams = new Table(256);
let freeEntries: usize = 0;
let makeRoot: ((id: u32) => RootContext) | null = null;

/** Sets the function that creates plugin instances. Called once, when the module starts. */
export function setRootFactory(make: (id: u32) => RootContext): void {
  makeRoot = make;
}

/** Creates the plugin instance of this id. */
export function openRoot(id: u32): void {
  const root = makeRoot!(id);
  roots.push(root);
  rootsById.set(keyOf(id), changetype<usize>(root));
}

/** The plugin instance of this id, or null. */
export function rootOf(id: u32): RootContext | null {
  const at = <usize>rootsById.get(keyOf(id));
  return at ? changetype<RootContext>(at) : null;
}

/** Closes the plugin instance with this id, if it exists. False if it ends later, with {@link forgetRoot}. */
export function closeRoot(id: u32): bool {
  const root = rootOf(id);
  if (!root) return true;
  root.onClose();
  if (root.isFinishing) return false;
  forgetRoot(root);
  return true;
}

/** Forgets a closed plugin instance that has finished its remaining work. `StreamControl.endInstance` must follow. */
export function forgetRoot(root: RootContext): void {
  rootsById.delete(keyOf(root.id));
  const index = roots.indexOf(root);
  roots[index] = roots[roots.length - 1];
  roots.pop();
}

/** Registers a new stream of a plugin instance, without a handle. Does nothing if the instance does not exist. */
export function openStream(id: u32, rootId: u32): void {
  const root = <usize>rootsById.get(keyOf(rootId));
  if (!root) return;
  let at = freeEntries;
  if (at) freeEntries = changetype<StreamEntry>(at).nextFree;
  else at = heap.alloc(offsetof<StreamEntry>());
  const entry = changetype<StreamEntry>(at);
  entry.root = root;
  entry.handle = 0;
  streams.set(keyOf(id), at);
}

/** The address of the plugin instance of the stream that {@link findStream} found last, and the stream's handle. */
export let foundRoot: usize = 0;
export let foundHandle: usize = 0;

/** Looks up the stream. False if it is unknown or closed. */
export function findStream(id: u32): bool {
  const at = <usize>streams.get(keyOf(id));
  if (!at) return false;
  const entry = changetype<StreamEntry>(at);
  foundRoot = entry.root;
  foundHandle = entry.handle;
  return true;
}

/** Sets the handle of a registered stream. */
export function setHandle(id: u32, handle: usize): void {
  changetype<StreamEntry>(<usize>streams.get(keyOf(id))).handle = handle;
}

/** Removes the stream, if it is registered, and reuses its entry. */
export function closeStream(id: u32): void {
  const at = <usize>streams.get(keyOf(id));
  if (!at) return;
  streams.delete(keyOf(id));
  changetype<StreamEntry>(at).nextFree = freeEntries;
  freeEntries = at;
}

/** The table key of a stream or plugin instance. A key must not be 0; ids begin at 1, but this does not rely on it. */
function keyOf(id: u32): u64 {
  return ((<u64>1) << 32) | id;
}
