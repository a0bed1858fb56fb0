/** Sessions that call without a pause until they are told to stop. */
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

  /** Opens sessions at `url`, each of which calls one time after the other, on a new connection each time. */
  static async begin(url: string, sessions: number): Promise<SteadyLoad> {
    const load = new SteadyLoad();
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
    }
  }

  /** Ends the calls; the sessions stay. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }
}
