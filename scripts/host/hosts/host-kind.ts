import type { HeaderList } from "../abi.ts";
import type { Functions, HostState } from "../imports.ts";
import type { PropertyValue } from "../properties.ts";
import type { Reset, ResetCause } from "../resets.ts";

/** A callback at the end of a stream. */
export type EndCallback = "proxy_on_log" | "proxy_on_done" | "proxy_on_delete";

/** A kind of host: everything in which it differs from the other kinds. */
export interface HostKind {
  readonly name: "envoy" | "nginx" | "google";
  /** Exports of the module without which the host does not load it, in addition to those that all hosts need. */
  readonly requiredExports: readonly string[];
  /** Whether the host calls `proxy_on_tick`. */
  readonly hasTicks: boolean;
  /** Whether the host calls `proxy_on_done` and `proxy_on_delete` of a root context. */
  readonly endsPlugins: boolean;
  readonly streams: StreamRules;

  /** Whether a call of an export that the module does not have crashes the host. Otherwise the host skips it. */
  crashesWithout(name: string): boolean;

  /** The functions that a module can import from `env`. `envoy` contains Envoy's. */
  functions(host: HostState, envoy: Functions): Functions;

  /** The id of a root context; undefined if it is the next unused number. */
  rootId(name: string, configuration: Uint8Array): number | undefined;
}

/** How a kind of host passes a request and its response to the module. */
export interface StreamRules {
  /** Whether a headers callback of a message without a body has `end_of_stream`. */
  readonly endsInHeaders: boolean;
  /** Whether the request's body arrives in one callback, or in none if it is empty. */
  readonly gathersRequest: boolean;
  /** Whether there are callbacks for trailers. */
  readonly hasTrailers: boolean;
  /** Whether headers remain accessible in the later callbacks of the stream. */
  readonly keepsHeaders: boolean;
  /** Whether bytes of a body wait if the module pauses on them. Otherwise they go on. */
  readonly holdsBodies: boolean;
  /** Whether the body of a response waits if the module pauses in the headers callback. */
  readonly holdsResponseHeaders: boolean;
  /** Whether local replies pass through the module that made them. */
  readonly passesReplies: boolean;
  /** The callbacks at the end of a stream, in order. */
  readonly ending: readonly EndCallback[];
  /** Whether the access log is written before these callbacks, so that it lacks what they set. */
  readonly logsFirst: boolean;

  /**
   * The request headers as the module sees them.
   * @param hasBody whether a body follows
   * @param protocol the protocol of the client's connection, like `HTTP/2.0`; undefined for HTTP/1.1
   */
  requestHeaders(headers: HeaderList, hasBody: boolean, protocol: PropertyValue | undefined): HeaderList;

  /** The response headers as the module sees them. */
  responseHeaders(headers: HeaderList): HeaderList;

  /** Whether the empty body of a response with this status ends with a body callback, if it did not end in the headers. */
  endsEmptyBody(status: string, method: string): boolean;

  /**
   * The `end_of_stream` of a callback for bytes of the response's body; undefined if there is no callback.
   * @param declared the length that the response has announced in bytes; undefined if it has not
   * @param size the number of bytes
   * @param end whether they are the last ones
   */
  responseEnd(declared: number | undefined, size: number, end: boolean): boolean | undefined;

  /** Whether later bytes of a response on whose body the module has paused wait for the end. */
  readonly gathersPausedResponse: boolean;

  /** The body that the client receives as a local reply. */
  replyBody(body: string): string;

  /** The host's own reply after a reset. `reset` is Envoy's. */
  resetReply(cause: ResetCause, reset: Reset): Reset["reply"];

  /** Called after a callback has paused the stream without a local reply. */
  onPause(recorder: { readonly alerts: string[] }, callback: string): void;
}
