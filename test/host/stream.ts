import { Action, BufferType, HeaderMap, type HeaderList, StreamType } from "./abi.ts";
import type { Context, LocalReply } from "./context.ts";
import { Half } from "./half.ts";
import type { Plugin } from "./plugin.ts";
import type { Properties, PropertyValue } from "./properties.ts";
import { RESETS, type ResetCause } from "./resets.ts";

/**
 * One HTTP request and its answer, on their way through a plugin. Each method is one event of the proxy, so a test
 * decides on order and chunks; exchange.ts has whole exchanges.
 */
export class HttpStream implements Context {
  readonly id: number;
  readonly plugin: Plugin;
  /** What `proxy_get_property` finds, by dotted path; a test may change it at any time. */
  readonly properties: Map<string, PropertyValue>;

  /** What the module left in the stream's filter state, by name. An access log sees what was there at the log callback. */
  readonly state = new Map<string, string>();

  /** What the module answered in place of the upstream. */
  reply: LocalReply | undefined;

  readonly #request: Half;
  readonly #response = new Half("response");
  #logging = false;
  #closed = false;
  /** The request's headers, as long as Envoy shows them by the property `request.headers`: until they go on. */
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

  /** The next bytes of the request's body; none with `end` is how HTTP/1 ends. */
  requestBody(bytes: Uint8Array, end = false): Action {
    return this.#request.onBody(bytes, end, (size) => this.#action("proxy_on_request_body", size, Number(end)));
  }

  /** Ends the request by trailers. */
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

  /** The next bytes of the response's body. */
  responseBody(bytes: Uint8Array, end = false): Action {
    return this.#response.onBody(bytes, end, (size) => this.#action("proxy_on_response_body", size, Number(end)));
  }

  /** Ends the response by trailers. */
  responseTrailers(trailers: HeaderList): Action {
    return this.#response.onTrailers(trailers, () => this.#action("proxy_on_response_trailers", trailers.length));
  }

  /** The stream is over: log, done, delete, in Envoy's order. */
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
   * The stream breaks off: the client or the server goes away, or it was idle for too long. If no response has begun,
   * Envoy answers the client itself (unless that is who left), through the plugin.
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

  /** From now on the host refuses to write to the request's body. */
  refuseRequestWrites(): void {
    this.#request.refusesWrites = true;
  }

  /** The request's headers, as the module has changed them. */
  get requestHead(): HeaderList {
    return this.#request.logged ?? [];
  }

  /** The response's headers, as the module has changed them. */
  get responseHead(): HeaderList {
    return this.#response.logged ?? [];
  }

  /** The bytes of the request's body that went on last, as the module has changed them. */
  get passedRequest(): string {
    return this.#request.passed.toString();
  }

  /** The bytes of the response's body that went on last, as the module has changed them. */
  get passedResponse(): string {
    return this.#response.passed.toString();
  }

  /** All that the client has got of the response's body: a piece for each callback that let bytes pass. */
  get receivedPieces(): readonly Buffer[] {
    return this.#response.allPassed;
  }

  /** All that the client has got of the response's body. */
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

  /** Sends the module's answer through the module itself. */
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
