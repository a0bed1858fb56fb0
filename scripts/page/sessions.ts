/** The sessions that the access log named, with their steps. */
import { readStep } from "./access-log.ts";
import type { ShownSession, Step } from "./data.ts";

/** The sessions that are kept: those with the latest steps. */
const MAX_SESSIONS = 200;
/** The steps of a session that are kept: the latest. */
const MAX_STEPS = 500;

interface Session {
  shown: ShownSession;
  /** By the time of their log lines. */
  steps: Step[];
}

export class Sessions {
  /** In the order of their latest log lines, oldest first. */
  readonly #sessions = new Map<string, Session>();

  /** Adds what a line of the Envoy in front of `server` reports. Ignores other lines. */
  add(server: string, line: string): void {
    const logged = readStep(line);
    if (logged === undefined) return;
    const { session: id, era, principal, step } = logged;
    const key = keyOf(server, id);
    const session = this.#sessions.get(key) ?? newSession(id, server, step.start);
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
    session.steps.push(step);
    if (session.steps.length > MAX_STEPS) session.steps.shift();
    const { shown } = session;
    shown.era ||= era;
    shown.principal ||= principal;
    shown.first = Math.min(shown.first, step.start);
    shown.last = Math.max(shown.last, step.start);
    shown.steps++;
    if (step.isFailure) shown.failures++;
    shown.tokens += step.tokens;
  }

  /** The sessions, the latest first. */
  list(): ShownSession[] {
    return [...this.#sessions.values()].map(({ shown }) => shown).reverse();
  }

  /** The kept steps of a session by their start; undefined if the session is not known. */
  steps(server: string, id: string): Step[] | undefined {
    return this.#sessions.get(keyOf(server, id))?.steps.toSorted((a, b) => a.start - b.start);
  }
}

function keyOf(server: string, id: string): string {
  return JSON.stringify([server, id]);
}

function newSession(id: string, server: string, start: number): Session {
  const shown = { id, server, era: "", principal: "", first: start, last: start, steps: 0, failures: 0, tokens: 0 };
  return { shown, steps: [] };
}
