/** Runs the real Prometheus with the scrape configurations that we ship. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { hasComponent } from "../components.ts";
import { freePort } from "../envoy/sessions/free-port.ts";
import { until } from "../envoy/sessions/until.ts";
import { writeHastened } from "./hastened.ts";
import { FOLDER } from "./shipped.ts";

export const MESHES = ["consul", "gateway", "istio", "kuma", "raw"];

/** Whether Prometheus and promtool can be run; where not, a line says so. */
export function hasPrometheus(): boolean {
  const install = "apt-get install --no-install-recommends prometheus";
  return hasComponent("prometheus", install) && hasComponent("promtool", install);
}

/** Targets that a service discovery would find. */
export interface Found {
  /** `host:port` of each. */
  targets: string[];
  /** Labels of all of them, those that start with `__meta_` among them. */
  labels?: Record<string, string>;
}

/** A series and its newest value. */
export interface Series {
  /** With the name as `__name__`. */
  labels: Record<string, string>;
  value: number;
}

/** A series and its values over time. */
export interface Line {
  labels: Record<string, string>;
  /** Seconds since 1970, and the value then. */
  points: [number, number][];
}

/** A target as relabelling has left it. */
export interface Target {
  scrapeUrl: string;
  labels: Record<string, string>;
}

/** A rule that Prometheus has loaded. */
export interface Rule {
  name: string;
  query: string;
  type: "alerting" | "recording";
  health: string;
}

/** A running Prometheus. */
export interface Prometheus {
  /** `http://127.0.0.1:port`. */
  url: string;
  /** The newest values of an expression's series. */
  query(expression: string): Promise<Series[]>;
  /** The values of an expression's series between two times in seconds since 1970, in steps of so many seconds. */
  queryRange(expression: string, start: number, end: number, step: number): Promise<Line[]>;
  targets(): Promise<Target[]>;
  rules(): Promise<Rule[]>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

interface Config {
  global: { scrape_interval: string; evaluation_interval: string };
  rule_files: string[];
  scrape_configs: Record<string, unknown>[];
}

/**
 * Starts Prometheus with scrape/`mesh`.yaml, of which only this is replaced: the intervals, by a second, and each job's
 * service discovery, by what it found (by job). In the rules time passes so many `times` faster. Rejects with the end of its
 * output where it does not start.
 */
export async function startPrometheus(mesh: string, found: Record<string, Found[]>, times = 1): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-prometheus-"));
  const file = join(folder, "prometheus.json");
  const config = render(mesh, found);
  if (times > 1) config.rule_files = config.rule_files.map((path) => writeHastened(path, folder, times));
  writeFileSync(file, JSON.stringify(config));
  const port = await freePort();
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, "data")}`, "--log.level=warn"];
  const child = spawn("prometheus", [...args, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-2000)));
  const ended = once(child, "close");
  const atExit = () => child.kill("SIGKILL");
  process.once("exit", atExit);
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    process.off("exit", atExit);
    rmSync(folder, { recursive: true, force: true });
  };

  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended: ${log}`);
    return (await fetch(`${url}/-/ready`).catch(() => undefined))?.status === 200;
  };
  try {
    await until(isReady, "Prometheus is ready");
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, ...api(url), stop };
}

/** The configuration, with `found` in place of the service discoveries. */
function render(mesh: string, found: Record<string, Found[]>): Config {
  const folder = join(FOLDER, "scrape");
  const config = parse(readFileSync(join(folder, `${mesh}.yaml`), "utf8")) as Config;
  config.global.scrape_interval = "1s";
  config.global.evaluation_interval = "1s";
  config.rule_files = config.rule_files.map((path) => resolve(folder, path));
  for (const job of config.scrape_configs) {
    for (const key of Object.keys(job).filter((key) => /_sd_configs$|^static_configs$/.test(key))) delete job[key];
    job.static_configs = found[job.job_name as string];
  }
  return config;
}

function api(url: string): Omit<Prometheus, "stop" | "url"> {
  const get = async <Data>(path: string): Promise<Data> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { data: Data; error?: string };
    if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  return {
    async query(expression) {
      const { result } = await get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        `query?${new URLSearchParams({ query: expression }).toString()}`,
      );
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async queryRange(query, start, end, step) {
      const parameters = new URLSearchParams({ query, start: String(start), end: String(end), step: String(step) });
      const { result } = await get<{ result: { metric: Record<string, string>; values: [number, string][] }[] }>(
        `query_range?${parameters.toString()}`,
      );
      return result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([time, value]) => [time, Number(value)]),
      }));
    },
    async targets() {
      return (await get<{ activeTargets: Target[] }>("targets")).activeTargets;
    },
    async rules() {
      return (await get<{ groups: { rules: Rule[] }[] }>("rules")).groups.flatMap(({ rules }) => rules);
    },
  };
}
