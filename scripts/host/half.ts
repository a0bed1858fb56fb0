import { Action, type HeaderList } from "./abi.ts";

const NOTHING = Buffer.alloc(0);

/** How a host treats one direction of a stream. */
export interface HalfRules {
  /** Whether the body arrives while the module holds the headers. */
  readonly mayHoldHeaders: boolean;
  /** Whether headers stay readable after their own callback. */
  readonly keepsHeaders: boolean;
  /** Whether bytes wait if the module pauses on them. Otherwise they go on. */
  readonly holdsBodies: boolean;
}

/** One direction of a stream: what the module may read of it now, and how far it has progressed. */
export class Half {
  readonly name: "request" | "response";
  /** Headers are readable during their own callback only, or longer while the module holds them. */
  headers: HeaderList = [];
  trailers: HeaderList = [];
  /** The bytes of the running body callback, after those on which the module has paused. */
  body: Buffer = NOTHING;
  /** All headers, for the log callback; undefined before they arrive. */
  logged: HeaderList | undefined;
  /** The bytes that were forwarded when the module last continued. */
  passed: Buffer = NOTHING;
  /** All forwarded bytes of the body, one entry per callback that continued. */
  readonly allPassed: Buffer[] = [];
  /** Whether a body callback is running. */
  isInBody = false;
  /** Whether the host refuses writes to the body. */
  refusesWrites = false;
  #ended = false;
  #held = false;

  readonly #rules: HalfRules;

  constructor(name: "request" | "response", rules: HalfRules) {
    this.name = name;
    this.#rules = rules;
  }

  /** Passes the headers to the module. */
  onHeaders(headers: HeaderList, end: boolean, call: () => Action): Action {
    if (this.logged !== undefined) throw new Error(`second ${this.name} headers`);
    this.logged = headers;
    this.headers = headers;
    this.#ended = end;
    const action = call();
    if (action === Action.Continue) this.#forgetHeaders();
    else this.#held = !this.#rules.mayHoldHeaders;
    return action;
  }

  /** Passes the next bytes to the module, after those on which it paused. */
  onBody(bytes: Uint8Array, end: boolean, call: (size: number) => Action): Action {
    this.#expectOpen("body");
    this.#ended = end;
    this.body = this.body.length === 0 ? asBuffer(bytes) : Buffer.concat([this.body, bytes]);
    this.isInBody = true;
    const action = call(this.body.length);
    this.isInBody = false;
    if (action === Action.Continue || !this.#rules.holdsBodies) this.#passBody();
    return action;
  }

  /** Passes the trailers to the module. They end the body instead of an end_of_stream. */
  onTrailers(trailers: HeaderList, call: () => Action): Action {
    this.#expectOpen("trailers");
    this.#ended = true;
    this.trailers = trailers;
    const action = call();
    if (action === Action.Continue) {
      this.trailers = [];
      if (this.body.length > 0) this.#passBody();
    }
    return action;
  }

  /** Changes the body during its own callback or while the module pauses on it, as in Envoy. */
  write(bytes: Buffer): boolean {
    if (this.refusesWrites || (!this.isInBody && this.body.length === 0)) return false;
    this.body = bytes;
    return true;
  }

  /** Changes the headers, if the module may read them. */
  editHeaders(edit: (headers: HeaderList) => HeaderList): boolean {
    if (this.headers.length === 0) return false;
    this.headers = edit(this.headers);
    this.logged = this.headers;
    return true;
  }

  /** Continues what the module has paused. */
  continue(): void {
    this.#forgetHeaders();
    this.#held = false;
    if (this.body.length > 0) this.#passBody();
  }

  /** Adds bytes to those on which the module has paused, without a callback. */
  gather(bytes: Uint8Array): void {
    this.#expectOpen("body");
    this.body = Buffer.concat([this.body, bytes]);
  }

  #forgetHeaders(): void {
    if (!this.#rules.keepsHeaders) this.headers = [];
  }

  #passBody(): void {
    this.passed = this.body;
    this.allPassed.push(this.body);
    this.body = NOTHING;
  }

  #expectOpen(what: string): void {
    if (this.logged === undefined) throw new Error(`${this.name} ${what} before its headers`);
    if (this.#ended) throw new Error(`${this.name} ${what} after its end`);
    if (this.#held) throw new Error(`${this.name} ${what} never arrives: the module holds the headers`);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
