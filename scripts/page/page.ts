/** The page that `start` serves: what the terminal shows, with history, and the steps of sessions. */
import { randomUUID } from "node:crypto";
import type { Statistics } from "../statistics/statistics.ts";
import type { Now, Opening, Problem, Proxy, Step, Update } from "./data.ts";
import { History, HISTORY_MS, STEP_MS } from "./history.ts";
import { shownStatistics } from "./now.ts";
import { type PageServer, startPageServer } from "./server.ts";
import { Sessions } from "./sessions.ts";

export interface Page {
  /** `http://127.0.0.1:port/`. */
  url: string;
  /** Adds a proxy to the ones that the page names. */
  addProxy(proxy: Proxy): void;
  /** Adds a line that the Envoy in front of `server` wrote. */
  addLine(server: string, line: string): void;
  /** Shows new statistics and all present problems. */
  show(statistics: Statistics, problems: Problem[]): void;
  /** Tells open pages that this run has ended, and ends the server. */
  stop: () => Promise<void>;
}

/** Serves the page on this port of 127.0.0.1, or on a free one. Rejects with one sentence if the port is in use. */
export async function startPage(port: number | undefined): Promise<Page> {
  const run = randomUUID();
  const history = new History();
  const sessions = new Sessions();
  const proxies: Proxy[] = [];
  let now: Now = {
    ...{ run, time: currentTime(), rows: [], servers: [], denials: [], limits: [], queues: [], problems: [] },
    sessions: [],
  };
  const server: PageServer = await startPageServer(port, {
    opening: (): Opening => ({ now, history: [...history.points], stepMs: STEP_MS, historyMs: HISTORY_MS, proxies }),
    steps: (of: string, id: string): Step[] | undefined => sessions.steps(of, id),
  });
  return {
    url: server.url,
    addProxy: (proxy) => void proxies.push(proxy),
    addLine: (of, line) => sessions.add(of, line),
    show: (statistics, problems) => {
      const time = currentTime();
      now = { run, time, ...shownStatistics(statistics), problems, sessions: sessions.list() };
      const update: Update = { now, point: history.add(statistics, time) };
      server.send(update);
    },
    stop: server.stop,
  };
}

/** Milliseconds since 1970, by the system's clock as of the start of this process: history needs a time that never goes back. */
function currentTime(): number {
  return Math.round(performance.timeOrigin + performance.now());
}
