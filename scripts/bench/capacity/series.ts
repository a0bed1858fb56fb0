/** The time series of Prometheus that a tool has. */
import { setTimeout as sleep } from "node:timers/promises";
import { startEnvoy } from "../../envoy/process.ts";
import { CALL } from "../scale/dimensions.ts";
import { TOOL } from "../messages.ts";
import { startCannedUpstream } from "../upstream.ts";
import { pathOf } from "../workloads.ts";

const TOOLS = 20;
/** A tick, and a flush of histograms. */
const RECORDED_MS = 3500;

/** Series, and bytes at /stats/prometheus. */
export interface Series {
  /** Of a tool whose calls succeed. */
  perTool: { series: number; bytes: number };
  /** Of the filter, whatever the number of tools. */
  base: { series: number; bytes: number };
}

/** Calls tools through an Envoy of its own, and counts what each adds to Envoy's statistics. */
export async function measureSeries(envoyPath: string, signal: AbortSignal): Promise<Series> {
  const upstream = await startCannedUpstream([CALL]);
  const envoy = await startEnvoy({ upstream, envoyPath, signal, concurrency: 1, pluginConfig: "{}" });
  try {
    const call = async (tool: string) => {
      const body = CALL.body.replace(`"${TOOL}"`, `"${tool}"`);
      if (body === CALL.body) throw new Error("The call does not name its tool.");
      const url = `${envoy.proxyUrl}${pathOf(CALL)}`;
      const answer = await fetch(url, { method: "POST", headers: CALL.headers, body, signal });
      await answer.arrayBuffer();
    };
    const count = async () => {
      await sleep(RECORDED_MS, undefined, { signal });
      const lines = (await envoy.stats()).split("\n").filter((line) => line.startsWith("mcp_"));
      return { series: lines.length, bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0) };
    };
    await call("tool_0");
    const one = await count();
    for (let tool = 1; tool <= TOOLS; tool++) await call(`tool_${tool}`);
    const all = await count();
    const perTool = { series: (all.series - one.series) / TOOLS, bytes: (all.bytes - one.bytes) / TOOLS };
    return { perTool, base: { series: one.series - perTool.series, bytes: one.bytes - perTool.bytes } };
  } finally {
    await envoy.stop();
    await upstream.close();
  }
}
