/** Runs clients through a tap and an Envoy, and holds all of its numbers against what the tap recorded. */
import type { ExpectStatic } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { countsOf, type Counts, readMetrics } from "./prometheus.ts";
import type { Recorded } from "./recording.ts";
import { gaugesOf, sessionSums, sessionTruthOf } from "./sessions/session-truth.ts";
import { Tap } from "./tap.ts";
import { tokenTruthOf } from "./token-truth.ts";
import { truthOf } from "./truth.ts";
import { listedNames } from "./wire.ts";

const REST_MS = 40_000;

interface Server {
  host: string;
  port: number;
}

/** What a client gave in each step when it ran against this origin, e.g. `http://127.0.0.1:10000`. */
export type Run = (origin: string) => Promise<unknown>;

/** Options of {@link expectSame}. */
interface Options {
  /** A server of the same kind for the run without Envoy, for servers that serve one client. */
  another?: Server;
  /** The plugin's configuration, as JSON. */
  pluginConfig?: string;
}

/** Expects (with that of the test, as tests run at once) that a client sees through Envoy what it sees without, and that every
 *  counter, and every gauge that is not 0, comes to rest at the truth. Gives what the tap recorded. */
export async function expectSame(
  expect: ExpectStatic,
  upstream: Server,
  run: Run,
  { another = upstream, pluginConfig }: Options = {},
): Promise<Recorded[]> {
  const direct = await normalized(run, `http://${another.host}:${another.port}`);
  const envoy = await startEnvoy({ upstream, pluginConfig });
  const tap = await Tap.start(envoy.proxyUrl);
  try {
    expect(await normalized(run, tap.url)).toEqual(direct);
    await tap.settled();
    await expectTruth(expect, envoy, tap.exchanges);
    return tap.exchanges;
  } finally {
    await tap.close();
    await envoy.stop();
  }
}

/** What the run gave, without what differs from run to run: addresses, and times in texts of errors. */
async function normalized(run: Run, origin: string): Promise<unknown> {
  const text = JSON.stringify(await run(origin));
  return JSON.parse(text.replaceAll(origin, "ORIGIN").replace(/\d+\.\d+m?s/g, "TIME"));
}

/** Clients list tools and prompts before they name one. */
async function expectTruth(expect: ExpectStatic, envoy: Envoy, exchanges: Recorded[]): Promise<void> {
  const names = new Set(exchanges.flatMap(listedNames));
  const isLabelled = (name: string) => names.has(name);
  const sessions = sessionTruthOf(exchanges, false);
  const counts = {
    ...truthOf(exchanges, isLabelled),
    ...tokenTruthOf(exchanges, isLabelled),
    ...sessions.counts,
  };
  await expect
    .poll(() => seen(envoy), { timeout: REST_MS, interval: 500 })
    .toEqual({ counts, gauges: sessions.gauges });
}

async function seen(envoy: Envoy): Promise<{ counts: Counts; gauges: Counts }> {
  const metrics = await readMetrics(envoy);
  return { counts: { ...countsOf(metrics), ...sessionSums(metrics) }, gauges: gaugesOf(metrics) };
}
