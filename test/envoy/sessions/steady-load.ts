/** Sessions that call until they are stopped. */
import { setTimeout as sleep } from "node:timers/promises";
import { RawSession, shortFetch } from "./raw-session.ts";

export interface Failure {
  /** When the request began, by performance.now(). */
  beganAt: number;
  reason: string;
}

/** Traffic that goes on while something happens to the proxy. */
export class SteadyLoad {
  /** Requests that were answered as they should be. */
  answered = 0;
  readonly failures: Failure[] = [];
  readonly sessions: RawSession[] = [];
  #stopped = false;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(private readonly pauseMs: number) {}

  /** Opens sessions at `url`, each of which calls one time after the other, on a new connection each time.
   *  @param pauseMs the time between two calls of a session */
  static async begin(url: string, sessions: number, pauseMs = 0): Promise<SteadyLoad> {
    const load = new SteadyLoad(pauseMs);
    for (let i = 0; i < sessions; i++) load.sessions.push(await new RawSession(url, shortFetch, "raw").open());
    load.#work = Promise.all(load.sessions.map((session) => load.#call(session)));
    return load;
  }

  async #call(session: RawSession): Promise<void> {
    while (!this.#stopped) {
      const beganAt = performance.now();
      const status = await session.call("echo").catch((error: Error) => error.message);
      if (status === 200) this.answered++;
      else this.failures.push({ beganAt, reason: String(status) });
      if (this.pauseMs > 0) await sleep(this.pauseMs);
    }
  }

  /** Ends the calls; the sessions stay. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }
}
