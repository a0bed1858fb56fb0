import type { BufferType, HeaderList, HeaderMap, StreamType } from "./abi.ts";
import type { PropertyValue } from "./properties.ts";

/** A local reply of the module. */
export interface LocalReply {
  readonly status: number;
  /** The response's code details. */
  readonly details: string;
  readonly headers: HeaderList;
  readonly body: string;
}

/** The declared type of filter-state values with a name: Envoy's numbers of the type (1: text) and of the span (1: the
 *  request). */
export interface Declaration {
  readonly name: string;
  readonly type: number;
  readonly span: number;
}

/** What the module can access through the host during a callback of a context. */
export interface Context {
  readonly id: number;
  /** The root context to which this context belongs: itself, or the stream's plugin. */
  readonly rootId: number;
  /** The header map. Outside its own phase it is empty, as in Envoy. */
  headers(map: HeaderMap): HeaderList;
  /** The buffer: empty for a body outside its callback, undefined if this context does not have it. */
  buffer(type: BufferType): Uint8Array | undefined;
  /** Changes the header map. False if the module cannot access it now. */
  editHeaders(map: HeaderMap, edit: (headers: HeaderList) => HeaderList): boolean;
  /** Replaces bytes of a body. False if the module may not change it now. */
  writeBuffer(type: BufferType, bytes: Buffer): boolean;
  /** Continues what the module has paused when the running callback ends. False if there is no stream. */
  continue(type: StreamType): boolean;
  /** Ends a plugin that returned 0 from `proxy_on_done`. False if none has. */
  done(): boolean;
  property(path: string): PropertyValue | undefined;
  /** Sets a text in the stream's filter state. False if there is no stream. */
  setState(name: string, value: string): boolean;
  /** Declares the type of values with a name. As in Envoy, this has no effect in a stream's callback. */
  declare(declaration: Declaration): void;
  /** Sends a local reply when the running callback ends. False if there is no stream to reply to. */
  answer(reply: LocalReply): boolean;
  /** Ticks belong to the root context, even if a stream's callback sets their period. */
  setTickPeriod(milliseconds: number): void;
}
