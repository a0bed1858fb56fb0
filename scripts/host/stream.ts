import { Action, BufferType, HeaderMap, type HeaderList, StreamType } from "./abi.ts";
import type { Context, LocalReply } from "./context.ts";
import { Half } from "./half.ts";
import type { StreamRules } from "./hosts/host-kind.ts";
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

  /** The stream's filter state that the module has set, by name. An access log contains the values at the log
   *  callback; NGINX's, those before it. */
  readonly state = new Map<string, string>();

  /** The module's local reply. */
  reply: LocalReply | undefined;

  /** The time when the stream began, in nanoseconds since the epoch. */
  readonly startedAt: bigint;

  readonly #rules: StreamRules;
  readonly #request: Half;
  readonly #response: Half;
  /** The parts of the request's body, for a host that passes the whole body at once. */
  readonly #gathered: Uint8Array[] = [];
  #method = "";
  /** The announced length of the response's body, as it arrived. */
  #declared: number | undefined;
  /** The body that replaces the next bytes of the response. */
  #replacement: Buffer | undefined;
  #logging = false;
  #closed = false;
  /** The request headers as long as Envoy provides them in the property `request.headers`: until they are forwarded. */
  #shownHeaders: HeaderList = [];

  constructor(plugin: Plugin, properties: Properties) {
    this.plugin = plugin;
    this.id = plugin.vm.allocateId();
    this.startedAt = plugin.vm.clock.now;
    this.#rules = plugin.vm.host.streams;
    this.#request = new Half("request", { ...this.#rules, mayHoldHeaders: plugin.allowHeadersStop });
    this.#response = new Half("response", { ...this.#rules, mayHoldHeaders: !this.#rules.holdsResponseHeaders });
    plugin.vm.register(this);
    this.properties = new Map(Object.entries(properties));
  }

  /** Request headers; with `end` the request has no body. */
  requestHeaders(headers: HeaderList, end = false): Action {
    const seen = this.#rules.requestHeaders(headers, !end, this.properties.get("ngx.server_protocol"));
    this.#method = headers.find(([name]) => name === ":method")?.[1] ?? "";
    return this.#request.onHeaders(seen, end, () => {
      this.plugin.vm.callback(this, "proxy_on_context_create", this.id, this.plugin.id);
      this.#shownHeaders = seen;
      const isEnd = end && this.#rules.endsInHeaders;
      const action = this.#action("proxy_on_request_headers", seen.length, Number(isEnd));
      if (action === Action.Continue) this.#shownHeaders = [];
      return action;
    });
  }

  /** The next bytes of the request body. HTTP/1 ends with zero bytes and `end`. */
  requestBody(bytes: Uint8Array, end = false): Action {
    if (this.#rules.gathersRequest) {
      this.#gathered.push(bytes);
      if (!end) return Action.Continue;
      bytes = Buffer.concat(this.#gathered);
      if (bytes.length === 0) return Action.Continue;
    }
    return this.#request.onBody(bytes, end, (size) => this.#action("proxy_on_request_body", size, Number(end)));
  }

  /** Ends the request with trailers. */
  requestTrailers(trailers: HeaderList): Action {
    if (!this.#rules.hasTrailers) return this.requestBody(new Uint8Array(0), true);
    return this.#request.onTrailers(trailers, () => this.#action("proxy_on_request_trailers", trailers.length));
  }

  /** Response headers; with `end` the response has no body. */
  responseHeaders(headers: HeaderList, end = false): Action {
    if (!this.properties.has("response.code_details")) this.properties.set("response.code_details", "via_upstream");
    const seen = this.#rules.responseHeaders(headers);
    const isEnd = end && this.#rules.endsInHeaders;
    this.#declared = end ? 0 : lengthIn(headers);
    const action = this.#response.onHeaders(seen, isEnd, () =>
      this.#action("proxy_on_response_headers", seen.length, Number(isEnd)),
    );
    const status = headers.find(([name]) => name === ":status")?.[1] ?? "";
    if (end && !isEnd && this.#rules.endsEmptyBody(status, this.#method)) this.responseBody(new Uint8Array(0), true);
    return action;
  }

  /** The next bytes of the response body. */
  responseBody(bytes: Uint8Array, end = false): Action {
    if (this.#replacement !== undefined) {
      bytes = this.#replacement;
      this.#replacement = undefined;
    }
    const half = this.#response;
    if (this.#rules.gathersPausedResponse && half.body.length > 0 && !end) {
      half.gather(bytes);
      return Action.Continue;
    }
    const isEnd = this.#rules.responseEnd(this.#declared, half.body.length + bytes.length, end);
    if (isEnd === undefined) return half.onBody(bytes, end, () => Action.Continue);
    return half.onBody(bytes, end, (size) => this.#action("proxy_on_response_body", size, Number(isEnd)));
  }

  /** Ends the response with trailers. */
  responseTrailers(trailers: HeaderList): Action {
    if (!this.#rules.hasTrailers) return this.responseBody(new Uint8Array(0), true);
    return this.#response.onTrailers(trailers, () => this.#action("proxy_on_response_trailers", trailers.length));
  }

  /** Ends the stream, with the callbacks that this kind of host has, in its order. */
  end(): void {
    if (this.#closed) throw new Error("the stream has ended already");
    this.#closed = true;
    const status = this.#response.logged?.find(([name]) => name === ":status");
    this.properties.set("response.code", Number(status?.[1] ?? 0));
    const { vm } = this.plugin;
    vm.forget(this);
    const { ending, logsFirst } = this.#rules;
    let logged = logsFirst ? new Map(this.state) : undefined;
    for (const callback of ending) {
      this.#logging = callback === "proxy_on_log";
      vm.callback(this, callback, this.id);
      if (this.#logging) logged ??= new Map(this.state);
    }
    this.#logging = false;
    if (logged === undefined) return;
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
    const reply = this.#rules.resetReply(cause, reset);
    if (reply !== undefined) {
      const body = Buffer.from(reply.body);
      this.responseHeaders([
        [":status", String(reply.status)],
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

  /** Replaces the status of the response whose headers callback is running, and the next bytes of its body. */
  replaceResponse(status: number, body: string): void {
    this.#response.editHeaders((headers) =>
      headers.map((header) => (header[0] === ":status" ? [":status", String(status)] : header)),
    );
    this.#replacement = Buffer.from(body);
  }

  /** From now on, the host refuses writes to the request body. */
  refuseRequestWrites(): void {
    this.#request.refusesWrites = true;
  }

  /** The length in bytes that the server has announced for the response's body; undefined if it has not. */
  get announcedLength(): number | undefined {
    return this.reply === undefined ? this.#declared : undefined;
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

  /** The complete request body that the server has received, as changed by the module. */
  get forwarded(): Buffer {
    return Buffer.concat(this.#request.allPassed);
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
    const body = Buffer.from(this.#rules.replyBody(reply.body));
    if (this.#response.logged === undefined && this.#rules.passesReplies) {
      this.responseHeaders([[":status", String(reply.status)], ...reply.headers], body.length === 0);
      if (body.length > 0) this.responseBody(body, true);
    }
    this.end();
  }

  #action(callback: string, ...args: number[]): Action {
    const { vm } = this.plugin;
    const action = vm.callback(this, callback, this.id, ...args) ?? Action.Continue;
    if (action === Action.Pause && this.reply === undefined && this.#replacement === undefined) {
      this.#rules.onPause(vm, callback);
    }
    return action;
  }
}

/** The length of a body in bytes according to its headers. */
function lengthIn(headers: HeaderList): number | undefined {
  const value = headers.find(([name]) => name === "content-length")?.[1];
  return value === undefined ? undefined : Number(value);
}
