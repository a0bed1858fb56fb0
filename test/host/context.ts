import type { BufferType, HeaderList, HeaderMap, StreamType } from "./abi.ts";
import type { PropertyValue } from "./properties.ts";

/** What the module answers in place of the upstream. */
export interface LocalReply {
  readonly status: number;
  /** The response's code details. */
  readonly details: string;
  readonly headers: HeaderList;
  readonly body: string;
}

/** What values of a name in the filter state are: Envoy's numbers of the type (1: text) and of the span (1: the request). */
export interface Declaration {
  readonly name: string;
  readonly type: number;
  readonly span: number;
}

/** What the module may reach through the host while one of a context's callbacks runs. */
export interface Context {
  readonly id: number;
  /** The root context that it belongs to: itself, or the stream's plugin. */
  readonly rootId: number;
  /** The header map, empty outside its own phase: so Envoy does it. */
  headers(map: HeaderMap): HeaderList;
  /** The buffer; empty for a body outside its callback, undefined for what is not to be found here. */
  buffer(type: BufferType): Uint8Array | undefined;
  /** Changes the header map; false where it is empty for the module. */
  editHeaders(map: HeaderMap, edit: (headers: HeaderList) => HeaderList): boolean;
  /** Puts other bytes into a body; false where it is not the module's to change now. */
  writeBuffer(type: BufferType, bytes: Buffer): boolean;
  /** Continues what the module has paused, once the running callback is over; false where there is no stream. */
  continue(type: StreamType): boolean;
  /** Ends a plugin that has answered `proxy_on_done` with 0; false where none has. */
  done(): boolean;
  property(path: string): PropertyValue | undefined;
  /** Leaves a text in the filter state of the stream; false where there is no stream. */
  setState(name: string, value: string): boolean;
  /** Says what values of a name are from now on. As in Envoy, nothing comes of it in a stream's callback. */
  declare(declaration: Declaration): void;
  /** Answers in place of the upstream once the running callback is over; false where there is no stream to answer. */
  answer(reply: LocalReply): boolean;
  /** Ticks belong to the root context, also when a stream's callback asks for them. */
  setTickPeriod(milliseconds: number): void;
}
