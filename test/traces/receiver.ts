/** A collector for tests: a process of its own that decodes OTLP/HTTP with the official types, and fails as it is asked to. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "../envoy/sessions/until.ts";
import { hasPython, interpreterOf } from "../fixtures/python.ts";
import { type OtlpRequest, type Span, spansOf } from "./spans.ts";

const SCRIPT = fileURLToPath(new URL("../fixtures/python/receiver_otlp.py", import.meta.url));

/** Whether it can be run: it needs Python. Where not, a line says so, for the caller to skip its tests; where `CI` is set it
 *  throws instead, since nothing may be skipped there. */
export async function hasReceiver(): Promise<boolean> {
  if (await hasPython()) return true;
  const missing = "Python 3.10 or newer, with venv and pip, is missing";
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: ${missing}`);
  return false;
}

/** How it answers a request: 200 at once, with all spans accepted, where absent. */
export interface ReceiverAnswer {
  /** 0 ends the connection without an answer. */
  status?: number;
  headers?: Record<string, string>;
  delayMs?: number;
  /** How many of the request's spans a 200 says were rejected; -1 for all. Which ones is not said; here the first ones. */
  rejected?: number;
}

/** A request that it has answered. */
export interface ReceivedRequest {
  path: string;
  /** Their names are in lower case. */
  headers: Record<string, string>;
  /** As it came. */
  body: Buffer;
  /** Of the answer. */
  status: number;
  /** All of the request, whatever became of them. */
  spans: Span[];
  /** Those that were accepted. */
  accepted: Span[];
}

/** A running receiver, for any path. */
export class Receiver {
  readonly host = "127.0.0.1";
  /** In the order of the answers. */
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

  /** Of 127.0.0.1; stays the same while it is down. */
  get port(): number {
    return this.#port;
  }

  /** Starts one that accepts everything. Rejects with the end of its output if it dies. */
  static async start(): Promise<Receiver> {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1" };
    // Its standard input ends with us, and it with that.
    const child = spawn(await interpreterOf("otlp"), [SCRIPT], { env, stdio: "pipe" });
    const receiver = new Receiver(child);
    await receiver.#answered(0);
    return receiver;
  }

  /** The spans that it accepted. Throws where a request was not valid.
   *  @param path of the requests; all where absent. */
  spans(path?: string): Span[] {
    if (this.#invalid.length > 0) throw new Error(`invalid requests: ${this.#invalid.join("\n")}`);
    const requests = this.requests.filter((request) => path === undefined || request.path === path);
    return requests.flatMap(({ accepted }) => accepted);
  }

  /** The requests that were not valid, and why. */
  get invalid(): readonly string[] {
    return this.#invalid;
  }

  /** Waits until every request that it has answered so far is among {@link requests}. */
  caughtUp(): Promise<void> {
    return this.#command({});
  }

  /** Waits until it has accepted so many spans (of requests for this path), and gives all that it has accepted. */
  async waitForSpans(count: number, path?: string, limitMs?: number): Promise<Span[]> {
    const reached = () => this.spans(path).length >= count;
    await until(reached, `${count} spans`, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}; there are ${this.spans(path).length}`);
    });
    return this.spans(path);
  }

  /** How requests are answered from now on. */
  answerAlways(answer: ReceiverAnswer): Promise<void> {
    return this.#command({ always: answer });
  }

  /** How the next request is answered; of several calls each is about one request. */
  answerNext(answer: ReceiverAnswer): Promise<void> {
    return this.#command({ next: answer });
  }

  /** Refuses connections, and ends those that are open. */
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

  /** Waits until it has done the command of this number; 0: until it listens. */
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
