import { Action, BufferType, HeaderMap, type HeaderList, StreamType } from "./abi.ts";
import type { Context, LocalReply } from "./context.ts";
import { Half } from "./half.ts";
import type { Plugin } from "./plugin.ts";
import type { Properties, PropertyValue } from "./properties.ts";
import { RESETS, type ResetCause } from "./resets.ts";

/**
 * One HTTP request and its response on their way through a plugin. Each method is one event of the proxy, so that a test
 * determines order and chunks. See exchange.ts for whole exchanges.
 */
export class HttpStream implements Context {
  readonly id: number;
  readonly plugin: Plugin;
  /** The properties that `proxy_get_property` finds, by dotted path. A test may change them at any time. */
  readonly properties: Map<string, PropertyValue>;

  /** The stream's filter state that the module has set, by name. An access log contains the values at the log callback. */
  readonly state = new Map<string, string>();

  /** The module's local reply. */
  reply: LocalReply | undefined;

  readonly #request: Half;
  readonly #response = new Half("response");
  #logging = false;
  #closed = false;
  /** The request headers as long as Envoy provides them in the property `request.headers`: until they are forwarded. */
  #shownHeaders: HeaderList = [];

  constructor(plugin: Plugin, properties: Properties) {
    this.plugin = plugin;
    this.id = plugin.vm.allocateId();
    this.#request = new Half("request", plugin.allowHeadersStop);
    plugin.vm.register(this);
    this.properties = new Map(Object.entries(properties));
  }

  /** Request headers; with `end` the request has no body. */
  requestHeaders(headers: HeaderList, end = false): Action {
    return this.#request.onHeaders(headers, end, () => {
      this.plugin.vm.callback(this, "proxy_on_context_create", this.id, this.plugin.id);
      this.#shownHeaders = headers;
      const action = this.#action("proxy_on_request_headers", headers.length, Number(end));
      if (action === Action.Continue) this.#shownHeaders = [];
      return action;
    });
  }

  /** The next bytes of the request body. HTTP/1 ends with zero bytes and `end`. */
  requestBody(bytes: Uint8Array, end = false): Action {
    return this.#request.onBody(bytes, end, (size) => this.#action("proxy_on_request_body", size, Number(end)));
  }

  /** Ends the request with trailers. */
  requestTrailers(trailers: HeaderList): Action {
    return this.#request.onTrailers(trailers, () => this.#action("proxy_on_request_trailers", trailers.length));
  }

  /** Response headers; with `end` the response has no body. */
  responseHeaders(headers: HeaderList, end = false): Action {
    if (!this.properties.has("response.code_details")) this.properties.set("response.code_details", "via_upstream");
    return this.#response.onHeaders(headers, end, () =>
      this.#action("proxy_on_response_headers", headers.length, Number(end)),
    );
  }

  /** The next bytes of the response body. */
  responseBody(bytes: Uint8Array, end = false): Action {
    return this.#response.onBody(bytes, end, (size) => this.#action("proxy_on_response_body", size, Number(end)));
  }

  /** Ends the response with trailers. */
  responseTrailers(trailers: HeaderList): Action {
    return this.#response.onTrailers(trailers, () => this.#action("proxy_on_response_trailers", trailers.length));
  }

  /** Ends the stream: log, done and delete, in Envoy's order. */
  end(): void {
    if (this.#closed) throw new Error("the stream has ended already");
    this.#closed = true;
    const status = this.#response.logged?.find(([name]) => name === ":status");
    this.properties.set("response.code", Number(status?.[1] ?? 0));
    const { vm } = this.plugin;
    vm.forget(this);
    this.#logging = true;
    vm.callback(this, "proxy_on_log", this.id);
    this.#logging = false;
    const logged = new Map(this.state);
    vm.callback(this, "proxy_on_done", this.id);
    vm.callback(this, "proxy_on_delete", this.id);
    this.state.clear();
    for (const [name, value] of logged) this.state.set(name, value);
  }

  /**
   * Resets the stream: the client or the server disconnects, or the stream was idle for too long. If no response has
   * started, Envoy sends a local reply through the plugin, unless the client has disconnected.
   */
  reset(cause: ResetCause, properties: Properties = {}): void {
    const reset = this.#response.logged === undefined ? RESETS[cause].before : RESETS[cause].begun;
    this.properties.set("response.flags", reset.flags);
    this.properties.set("response.code_details", reset.details);
    for (const [path, value] of Object.entries(properties)) this.properties.set(path, value);
    if (reset.reply !== undefined) {
      const body = Buffer.from(reset.reply.body);
      this.responseHeaders([
        [":status", String(reset.reply.status)],
        ["content-length", String(body.length)],
        ["content-type", "text/plain"],
      ]);
      this.responseBody(body, true);
    }
    this.end();
  }

  get rootId(): number {
    return this.plugin.id;
  }

  headers(map: HeaderMap): HeaderList {
    switch (map) {
      case HeaderMap.RequestHeaders:
        return this.#logging ? (this.#request.logged ?? []) : this.#request.headers;
      case HeaderMap.ResponseHeaders:
        return this.#logging ? (this.#response.logged ?? []) : this.#response.headers;
      case HeaderMap.RequestTrailers:
        return this.#request.trailers;
      case HeaderMap.ResponseTrailers:
        return this.#response.trailers;
      case HeaderMap.CalloutHeaders:
        return [];
    }
  }

  editHeaders(map: HeaderMap, edit: (headers: HeaderList) => HeaderList): boolean {
    if (map === HeaderMap.RequestHeaders) return this.#request.editHeaders(edit);
    return map === HeaderMap.ResponseHeaders && this.#response.editHeaders(edit);
  }

  writeBuffer(type: BufferType, bytes: Buffer): boolean {
    const isRequest = type === BufferType.RequestBody;
    if (!isRequest && type !== BufferType.ResponseBody) return false;
    const half = isRequest ? this.#request : this.#response;
    return half.write(bytes);
  }

  done(): boolean {
    return false;
  }

  continue(type: StreamType): boolean {
    const half = type === StreamType.Request ? this.#request : this.#response;
    this.plugin.vm.afterCallback(() => {
      half.continue();
    });
    return true;
  }

  /** From now on, the host refuses writes to the request body. */
  refuseRequestWrites(): void {
    this.#request.refusesWrites = true;
  }

  /** The request headers as changed by the module. */
  get requestHead(): HeaderList {
    return this.#request.logged ?? [];
  }

  /** The response headers as changed by the module. */
  get responseHead(): HeaderList {
    return this.#response.logged ?? [];
  }

  /** The bytes of the request body that were forwarded last, as changed by the module. */
  get passedRequest(): string {
    return this.#request.passed.toString();
  }

  /** The bytes of the response body that were forwarded last, as changed by the module. */
  get passedResponse(): string {
    return this.#response.passed.toString();
  }

  /** The response body that the client has received, one chunk for each callback that forwarded bytes. */
  get receivedPieces(): readonly Buffer[] {
    return this.#response.allPassed;
  }

  /** The complete response body that the client has received. */
  get received(): Buffer {
    return Buffer.concat(this.#response.allPassed);
  }

  buffer(type: BufferType): Uint8Array | undefined {
    if (type === BufferType.RequestBody) return this.#request.body;
    if (type === BufferType.ResponseBody) return this.#response.body;
    return this.plugin.vm.buffer(type);
  }

  property(path: string): PropertyValue | undefined {
    const name = /^request\.headers\.(.+)$/.exec(path)?.[1];
    if (name !== undefined) return this.#shownHeaders.find(([header]) => header === name)?.[1];
    return this.properties.get(path) ?? this.plugin.property(path);
  }

  setState(name: string, value: string): boolean {
    this.state.set(name, value);
    return true;
  }

  declare(): void {}

  setTickPeriod(milliseconds: number): void {
    this.plugin.setTickPeriod(milliseconds);
  }

  answer(reply: LocalReply): boolean {
    if (this.reply !== undefined || this.#closed) return false;
    this.reply = reply;
    this.plugin.vm.afterCallback(() => this.#sendReply(reply));
    return true;
  }

  /** Sends the module's local reply through the module itself. */
  #sendReply(reply: LocalReply): void {
    if (this.#closed) return;
    this.properties.set("response.code_details", reply.details);
    const body = Buffer.from(reply.body);
    if (this.#response.logged === undefined) {
      this.responseHeaders([[":status", String(reply.status)], ...reply.headers], body.length === 0);
      if (body.length > 0) this.responseBody(body, true);
    }
    this.end();
  }

  #action(callback: string, ...args: number[]): Action {
    return this.plugin.vm.callback(this, callback, this.id, ...args) ?? Action.Continue;
  }
}
