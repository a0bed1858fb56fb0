import { Action, type HeaderList } from "./abi.ts";

const NOTHING = Buffer.alloc(0);

/** One direction of a stream: what of it the module may read now, and how far it has come. */
export class Half {
  readonly name: "request" | "response";
  /** Readable during their own callback only (longer while the module holds them). */
  headers: HeaderList = [];
  trailers: HeaderList = [];
  /** The bytes of the running body callback, and before them those that the module paused on. */
  body: Buffer = NOTHING;
  /** All headers, for the log callback; undefined before they came. */
  logged: HeaderList | undefined;
  /** The bytes that went on when the module last let any pass. */
  passed: Buffer = NOTHING;
  /** All bytes of the body that went on, by the callbacks that let them pass. */
  readonly allPassed: Buffer[] = [];
  /** Whether a body callback runs. */
  isInBody = false;
  /** The host refuses to write to the body. */
  refusesWrites = false;
  #ended = false;
  #held = false;

  readonly #mayHoldHeaders: boolean;

  constructor(name: "request" | "response", mayHoldHeaders = false) {
    this.name = name;
    this.#mayHoldHeaders = mayHoldHeaders;
  }

  /** Hands the headers to the module. */
  onHeaders(headers: HeaderList, end: boolean, call: () => Action): Action {
    if (this.logged !== undefined) throw new Error(`second ${this.name} headers`);
    this.logged = headers;
    this.headers = headers;
    this.#ended = end;
    const action = call();
    if (action === Action.Continue) this.headers = [];
    else this.#held = !this.#mayHoldHeaders;
    return action;
  }

  /** Hands the next bytes to the module, after those that it paused on. */
  onBody(bytes: Uint8Array, end: boolean, call: (size: number) => Action): Action {
    this.#expectOpen("body");
    this.#ended = end;
    this.body = this.body.length === 0 ? asBuffer(bytes) : Buffer.concat([this.body, bytes]);
    this.isInBody = true;
    const action = call(this.body.length);
    this.isInBody = false;
    if (action === Action.Continue) this.#passBody();
    return action;
  }

  /** Hands the trailers to the module; they end the body in place of an end_of_stream. */
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

  /** Writes the body, in its own callback or while the module pauses on it, as in Envoy. */
  write(bytes: Buffer): boolean {
    if (this.refusesWrites || (!this.isInBody && this.body.length === 0)) return false;
    this.body = bytes;
    return true;
  }

  /** Changes the headers, where the module may read them. */
  editHeaders(edit: (headers: HeaderList) => HeaderList): boolean {
    if (this.headers.length === 0) return false;
    this.headers = edit(this.headers);
    this.logged = this.headers;
    return true;
  }

  /** What the module has paused goes on. */
  continue(): void {
    this.headers = [];
    this.#held = false;
    if (this.body.length > 0) this.#passBody();
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
