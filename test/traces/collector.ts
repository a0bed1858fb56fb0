/** Runs a real OpenTelemetry collector, which receives OTLP and writes what it has read to a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../envoy/sessions/free-port.ts";
import { until } from "../envoy/sessions/until.ts";
import { buildGoProgram } from "../fixtures/go.ts";
import { type OtlpRequest, type Span, spansOf } from "./spans.ts";

const PROGRAM = "otel-collector";
const LOG_BYTES = 8192;

/** A running collector, for OTLP/HTTP at /v1/traces. */
export class Collector {
  readonly host = "127.0.0.1";
  readonly #ended: Promise<unknown>;
  readonly #atExit: () => void;
  #log = "";

  private constructor(
    private readonly child: ChildProcess,
    /** The port on 127.0.0.1. */
    readonly port: number,
    private readonly folder: string,
  ) {
    this.#ended = once(child, "close").catch((error: unknown) => (this.#log += String(error)));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-LOG_BYTES)));
    }
    this.#atExit = () => child.kill("SIGKILL");
    process.once("exit", this.#atExit);
  }

  /** Starts a collector. The first call compiles it, which takes minutes. Rejects with the end of its output if it
   *  does not start. */
  static async start(): Promise<Collector> {
    const program = await buildGoProgram(PROGRAM);
    const folder = mkdtempSync(join(tmpdir(), "mcp-collector-"));
    const port = await freePort();
    const child = spawn(program, ["--config", `yaml:${JSON.stringify(configuration(port, fileIn(folder)))}`], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const collector = new Collector(child, port, folder);
    try {
      await until(() => collector.#listens(), "the collector is ready");
      return collector;
    } catch (error) {
      await collector.close();
      throw error;
    }
  }

  /** All spans that it has written so far. */
  spans(): Span[] {
    const text = readFileSync(fileIn(this.folder), "utf8");
    // The last line may be unfinished.
    const lines = text.split("\n").slice(0, -1);
    return lines.flatMap((line) => spansOf(JSON.parse(line) as OtlpRequest));
  }

  /** The bytes of its file. */
  written(): Buffer {
    return readFileSync(fileIn(this.folder));
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#ended;
    process.off("exit", this.#atExit);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether it listens. Throws if it has ended. */
  async #listens(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`${PROGRAM} does not run: ${this.#log}`);
    const url = `http://${this.host}:${this.port}/v1/traces`;
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    return (await fetch(url, asked).catch(() => undefined))?.ok === true;
  }
}

function fileIn(folder: string): string {
  return join(folder, "traces.jsonl");
}

function configuration(port: number, path: string): object {
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { file: { path, flush_interval: "100ms" } },
    service: {
      pipelines: { traces: { receivers: ["otlp"], exporters: ["file"] } },
      // Its own metrics would need a port.
      telemetry: { metrics: { level: "none" }, logs: { level: "warn" } },
    },
  };
}
