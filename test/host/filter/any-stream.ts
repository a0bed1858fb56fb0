import {
  Action,
  BufferType,
  type HeaderList,
  HeaderMap,
  type Plugin,
  type Properties,
  type PropertyValue,
} from "../../../scripts/host/index.ts";
import type { Context, LocalReply } from "../../../scripts/host/context.ts";

const NOTHING = Buffer.alloc(0);

/** A stream whose callbacks a test runs in any order, also in one that no proxy has. `HttpStream` insists on the right one. */
export class AnyStream implements Context {
  readonly id: number;
  reply: LocalReply | undefined;
  /** Its last callback has run. */
  isOver = false;
  /** The module passed the whole request, or at least one byte of its body. */
  hasPassed = false;

  readonly #plugin: Plugin;
  readonly #properties: Properties;
  readonly #headers = new Map<HeaderMap, HeaderList>();
  #isOpened = false;
  #requestBody: Buffer = NOTHING;
  #responseBody: Buffer = NOTHING;

  constructor(plugin: Plugin, properties: Properties) {
    this.#plugin = plugin;
    this.#properties = properties;
    this.id = plugin.vm.allocateId();
  }

  get rootId(): number {
    return this.#plugin.id;
  }

  requestHeaders(headers: HeaderList, end: boolean): Action {
    if (!this.#isOpened) {
      this.#isOpened = true;
      this.#plugin.vm.register(this);
      this.#plugin.vm.callback(this, "proxy_on_context_create", this.id, this.rootId);
    }
    this.#headers.set(HeaderMap.RequestHeaders, headers);
    const action = this.#call("proxy_on_request_headers", headers.length, Number(end));
    if (end) this.#passes(action);
    return action;
  }

  /** The bytes behind those that the module paused on. */
  requestBody(bytes: Buffer, end: boolean): Action {
    this.#requestBody = Buffer.concat([this.#requestBody, bytes]);
    const { length } = this.#requestBody;
    const action = this.#call("proxy_on_request_body", length, Number(end));
    if (end || length > 0) this.#passes(action);
    if (action === Action.Continue) this.#requestBody = NOTHING;
    return action;
  }

  requestTrailers(): Action {
    const action = this.#call("proxy_on_request_trailers", 0);
    this.#passes(action);
    return action;
  }

  responseHeaders(headers: HeaderList, end: boolean): void {
    this.#headers.set(HeaderMap.ResponseHeaders, headers);
    this.#call("proxy_on_response_headers", headers.length, Number(end));
  }

  responseBody(bytes: Buffer, end: boolean): void {
    this.#responseBody = bytes;
    this.#call("proxy_on_response_body", bytes.length, Number(end));
    this.#responseBody = NOTHING;
  }

  responseTrailers(): void {
    this.#call("proxy_on_response_trailers", 0);
  }

  /** Log, done, delete. */
  end(): void {
    if (!this.#isOpened) return;
    this.isOver = true;
    this.#plugin.vm.forget(this);
    this.#call("proxy_on_log");
    this.#call("proxy_on_done");
  }

  headers(map: HeaderMap): HeaderList {
    return this.#headers.get(map) ?? [];
  }

  buffer(type: BufferType): Uint8Array | undefined {
    if (type === BufferType.RequestBody) return this.#requestBody;
    return type === BufferType.ResponseBody ? this.#responseBody : undefined;
  }

  property(path: string): PropertyValue | undefined {
    return this.#properties[path] ?? this.#plugin.property(path);
  }

  editHeaders(): boolean {
    return false;
  }

  writeBuffer(): boolean {
    return false;
  }

  done(): boolean {
    return false;
  }

  continue(): boolean {
    return false;
  }

  declare(): void {}

  setState(): boolean {
    return true;
  }

  setTickPeriod(): void {}

  answer(reply: LocalReply): boolean {
    if (this.reply !== undefined || this.isOver) return false;
    this.reply = reply;
    this.#plugin.vm.afterCallback(() => {
      if (this.isOver) return;
      this.responseHeaders([[":status", String(reply.status)], ...reply.headers], reply.body === "");
      if (reply.body !== "") this.responseBody(Buffer.from(reply.body), true);
      this.end();
    });
    return true;
  }

  #passes(action: Action): void {
    if (action === Action.Continue && this.reply === undefined) this.hasPassed = true;
  }

  #call(name: string, ...args: number[]): Action {
    return this.#plugin.vm.callback(this, name, this.id, ...args) ?? Action.Continue;
  }
}
