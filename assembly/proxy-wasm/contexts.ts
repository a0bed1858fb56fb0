import { Table } from "../memory/table";
import { Action } from "./abi";

/**
 * A plugin instance in this VM: one filter entry of a listener or route. One VM hosts several, so whatever depends on
 * the configuration belongs here and not in a global. Streams are handles of the plugin's own choosing (an address, say),
 * which come back with each of their callbacks.
 */
export abstract class RootContext {
  /** What {@link onRequestHeaders} made of its stream. */
  newHandle: usize = 0;

  constructor(readonly id: u32) {}

  /** The configuration has come, `size` bytes of it. False refuses it. */
  abstract onConfigure(size: usize): bool;
  /** The tick period is over. */
  abstract onTick(): void;
  /** A message came on a shared queue that this instance registered last: a new turn of the worker's event loop. */
  abstract onQueueReady(): void;
  /** The instance is no longer used: it has no streams any more. */
  abstract onClose(): void;
  /** The headers of a new stream. Leaves its handle in `newHandle`; 0 lets it pass with no further callbacks. */
  abstract onRequestHeaders(stream: u32, endOfStream: bool): Action;
  abstract onRequestBody(stream: usize, size: usize, endOfStream: bool): Action;
  abstract onRequestTrailers(stream: usize): Action;
  abstract onResponseHeaders(stream: usize, endOfStream: bool): Action;
  abstract onResponseBody(stream: usize, size: usize, endOfStream: bool): Action;
  abstract onResponseTrailers(stream: usize): Action;
  /** The stream is over; its handle must not be used any more. */
  abstract onEnd(stream: usize): void;
}

/** A stream with a handle, and the plugin that serves it. Pooled. */
@unmanaged
class StreamEntry {
  root: usize;
  handle: usize;
  nextFree: usize;
}

/** All roots, so that they stay alive while streams know them by address only. */
const roots = new Map<u32, RootContext>();
const streams = new Table(256);
let freeEntries: usize = 0;
let makeRoot: ((id: u32) => RootContext) | null = null;

/** Says how plugin instances are made. Called once, when the module starts. */
export function setRootFactory(make: (id: u32) => RootContext): void {
  makeRoot = make;
}

export function openRoot(id: u32): void {
  roots.set(id, makeRoot!(id));
}

/** The root of this id, or null. */
export function rootOf(id: u32): RootContext | null {
  return roots.has(id) ? roots.get(id) : null;
}

/** Ends the root of this id; nothing where there is none. */
export function closeRoot(id: u32): void {
  const root = rootOf(id);
  if (!root) return;
  root.onClose();
  roots.delete(id);
}

export function openStream(id: u32, rootId: u32): void {
  if (!roots.has(rootId)) return;
  let at = freeEntries;
  if (at) freeEntries = changetype<StreamEntry>(at).nextFree;
  else at = heap.alloc(offsetof<StreamEntry>());
  const entry = changetype<StreamEntry>(at);
  entry.root = changetype<usize>(roots.get(rootId));
  entry.handle = 0;
  streams.set(streamKey(id), at);
}

/** The plugin of the newest stream that {@link findStream} found, and its handle. */
export let foundRoot: usize = 0;
export let foundHandle: usize = 0;

/** Looks the stream up. False where it is unknown or closed. */
export function findStream(id: u32): bool {
  const at = <usize>streams.get(streamKey(id));
  if (!at) return false;
  const entry = changetype<StreamEntry>(at);
  foundRoot = entry.root;
  foundHandle = entry.handle;
  return true;
}

/** Gives the stream its handle. */
export function setHandle(id: u32, handle: usize): void {
  changetype<StreamEntry>(<usize>streams.get(streamKey(id))).handle = handle;
}

/** Forgets the stream. */
export function closeStream(id: u32): void {
  const at = <usize>streams.get(streamKey(id));
  if (!at) return;
  streams.delete(streamKey(id));
  changetype<StreamEntry>(at).nextFree = freeEntries;
  freeEntries = at;
}

/** Ids begin at 1; the table's keys must not be 0 whatever the host does. */
function streamKey(id: u32): u64 {
  return ((<u64>1) << 32) | id;
}
