/**
 * Generates load with nghttp2's h2load: an exact number of requests over kept connections, with the time of each
 * response.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pathOf, type Workload } from "./workloads.ts";

const run = promisify(execFile);

/** The result of one run of the generator. */
export interface LoadResult {
  requests: number;
  /** Seconds from the first request to the end of the last response. */
  seconds: number;
  /** Latency in microseconds from a request to the end of its response. */
  latency: { p50: number; p99: number };
}

/** Options of {@link runLoad}. */
export interface LoadOptions {
  /** The proxy's URL, without a path. */
  url: string;
  workload: Workload;
  requests: number;
  connections: number;
  /** Requests per second over all connections; by default, each connection sends the next request at once. */
  rate?: number;
  /** Timeout after which the run is killed and fails. */
  timeoutSeconds: number;
  signal?: AbortSignal;
}

/** The name and version of the generator. Rejects with one sentence that says what to install if there is none. */
export async function requireGenerator(): Promise<string> {
  try {
    return (await run("h2load", ["--version"], { timeout: 10_000 })).stdout.trim();
  } catch {
    throw new Error(
      "The load comes from h2load, which is not installed: apt-get install nghttp2-client (Debian, Ubuntu).",
    );
  }
}

/** Sends the requests. Rejects with one sentence if one of them fails or has a status other than 200. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { url, workload, requests, connections, rate, timeoutSeconds, signal } = options;
  const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-load-"));
  const logFile = join(folder, "log");
  const args = ["--h1", "--threads", "1", "--requests", String(requests)];
  const clients = Math.min(connections, requests);
  args.push("--clients", String(clients), "--log-file", logFile);
  if (rate !== undefined) args.push(`--rps=${rate / clients}`);
  for (const [name, value] of Object.entries(workload.headers)) args.push("--header", `${name}: ${value}`);
  if (workload.method === "POST") {
    writeFileSync(join(folder, "body"), workload.body);
    args.push("--data", join(folder, "body"));
  }
  try {
    await run("h2load", [...args, url + pathOf(workload)], { timeout: timeoutSeconds * 1000, signal });
    return readLog(readFileSync(logFile, "utf8"), options);
  } catch (error) {
    const { killed, message } = error as Error & { killed?: boolean };
    const reason = killed ? `is not done after ${timeoutSeconds} s` : `failed: ${message}`;
    throw new Error(`The load of workload ${workload.id} at ${url} ${reason}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Reads the log, which has a line for each response: when its request was sent (microseconds), the status, and the
 * duration.
 */
function readLog(log: string, { requests }: LoadOptions): LoadResult {
  const times: number[] = [];
  let begin = Infinity;
  let end = 0;
  let bad = 0;
  for (const line of log.trimEnd().split("\n")) {
    const [start, status, duration] = line.split("\t").map(Number);
    if (status !== 200) bad++;
    begin = Math.min(begin, start);
    end = Math.max(end, start + duration);
    times.push(duration);
  }
  if (bad > 0) throw new Error(`${bad} of ${requests} requests were not answered with 200`);
  if (times.length !== requests) throw new Error(`${times.length} of ${requests} requests were answered`);
  times.sort((one, other) => one - other);
  const at = (quantile: number) => times[Math.min(times.length - 1, Math.floor(quantile * times.length))];
  return { requests, seconds: (end - begin) / 1e6, latency: { p50: at(0.5), p99: at(0.99) } };
}
