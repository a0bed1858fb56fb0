/** A collector for tests: a separate process that decodes OTLP/HTTP with the official types, and fails on demand. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "../envoy/sessions/until.ts";
import { hasPython, interpreterOf } from "../fixtures/python.ts";
import { type OtlpRequest, type Span, spansOf } from "./spans.ts";

const SCRIPT = fileURLToPath(new URL("../fixtures/python/receiver_otlp.py", import.meta.url));

/**
 * Whether the receiver can run, which needs Python. If not, prints a line, and the caller skips its tests. Throws
 * instead if `CI` is set, because nothing may be skipped there.
 */
export async function hasReceiver(): Promise<boolean> {
  if (await hasPython()) return true;
  const missing = "Python 3.10 or newer, with venv and pip, is missing";
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: ${missing}`);
  return false;
}

/** How it answers a request; default: 200 at once, with all spans accepted. */
export interface ReceiverAnswer {
  /** 0 ends the connection without a response. */
  status?: number;
  headers?: Record<string, string>;
  delayMs?: number;
  /** Number of the request's spans that a 200 reports as rejected; -1 for all. OTLP does not say which ones; here
   *  the first ones. */
  rejected?: number;
}

/** A request that it has answered. */
export interface ReceivedRequest {
  path: string;
  /** Headers with lower-case names. */
  headers: Record<string, string>;
  /** The body as received. */
  body: Buffer;
  /** The status of the response. */
  status: number;
  /** All spans of the request, accepted or not. */
  spans: Span[];
  /** The accepted spans. */
  accepted: Span[];
}

/** A running receiver, for any path. */
export class Receiver {
  readonly host = "127.0.0.1";
  /** The requests in the order of the responses. */
  readonly requests: ReceivedRequest[] = [];
  readonly #invalid: string[] = [];
  /** Rejects when the process has ended. */
  readonly #ended: Promise<never>;
  readonly #waiting = new Map<number, () => void>();
  #port = 0;
  #commands = 0;
  #errors = "";

  private constructor(private readonly child: ChildProcess) {
    this.#ended = once(child, "close").then(() => {
      throw new Error(`receiver_otlp.py has ended: ${this.#errors}`);
    });
    this.#ended.catch(() => {});
    child.stderr!.on("data", (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-4000)));
    createInterface(child.stdout!).on("line", (line) => this.#read(JSON.parse(line) as Line));
  }

  /** The port on 127.0.0.1. Stays the same while the receiver is down. */
  get port(): number {
    return this.#port;
  }

  /** Starts a receiver that accepts everything. Rejects with the end of its output if it dies. */
  static async start(): Promise<Receiver> {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1" };
    // The child ends when its standard input does, which ends with this process.
    const child = spawn(await interpreterOf("otlp"), [SCRIPT], { env, stdio: "pipe" });
    const receiver = new Receiver(child);
    await receiver.#answered(0);
    return receiver;
  }

  /**
   * The spans that it accepted. Throws if a request was not valid.
   * @param path only requests to this path; all if absent
   */
  spans(path?: string): Span[] {
    if (this.#invalid.length > 0) throw new Error(`invalid requests: ${this.#invalid.join("\n")}`);
    const requests = this.requests.filter((request) => path === undefined || request.path === path);
    return requests.flatMap(({ accepted }) => accepted);
  }

  /** Descriptions of the requests that were not valid. */
  get invalid(): readonly string[] {
    return this.#invalid;
  }

  /** Waits until {@link requests} has every request that it has answered so far. */
  caughtUp(): Promise<void> {
    return this.#command({});
  }

  /** Waits until it has accepted `count` spans (of requests to this path). Resolves to all accepted spans. */
  async waitForSpans(count: number, path?: string, limitMs?: number): Promise<Span[]> {
    const reached = () => this.spans(path).length >= count;
    await until(reached, `${count} spans`, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}; there are ${this.spans(path).length}`);
    });
    return this.spans(path);
  }

  /** Sets how requests are answered from now on. */
  answerAlways(answer: ReceiverAnswer): Promise<void> {
    return this.#command({ always: answer });
  }

  /** Sets how the next request is answered. Several calls each set the answer to one request. */
  answerNext(answer: ReceiverAnswer): Promise<void> {
    return this.#command({ next: answer });
  }

  /** Refuses connections, and ends open ones. */
  goDown(): Promise<void> {
    return this.#command({ listen: false });
  }

  /** Accepts connections again. */
  comeUp(): Promise<void> {
    return this.#command({ listen: true });
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#ended.catch(() => {});
  }

  #command(command: object): Promise<void> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
    return this.#answered(++this.#commands);
  }

  /** Waits until it has executed the command of this number; 0: until it listens. */
  #answered(command: number): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => this.#waiting.set(command, resolve)), this.#ended]);
  }

  #read(line: Line): void {
    if ("port" in line) this.#port = line.port;
    if ("done" in line) return this.#waiting.get(line.done)?.();
    if ("invalid" in line) {
      const body = Buffer.from(line.body, "base64").subarray(0, 2000);
      return void this.#invalid.push(`${line.invalid} in ${body.toString("latin1")}`);
    }
    const spans = spansOf(line.spans);
    const accepted = line.status === 200 ? spans.slice(line.rejected) : [];
    const { path, headers, body, status } = line;
    this.requests.push({ path, headers, body: Buffer.from(body, "base64"), status, spans, accepted });
  }
}

type Line =
  | { port: number; done: 0 }
  | { done: number }
  | { invalid: string; body: string }
  | {
      path: string;
      headers: Record<string, string>;
      body: string;
      status: number;
      rejected: number;
      spans: OtlpRequest;
    };
