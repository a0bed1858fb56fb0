/** Clients of every kind whose calls wait: they pipeline, share connections, leave, and cancel their calls. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../scripts/fuzz/random.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { CALL } from "./call-server.ts";
import { type Connect, type Connection, connectPipelining, connectStreams, type End } from "./connections.ts";
import { workCall } from "./work-server.ts";

/** A call and what its client knows about it. */
export interface Sent {
  readonly call: string;
  /** Whether the client has left, or might have: nobody reads the response. */
  hasLeft: boolean;
  isCancelled: boolean;
  end: End;
  /** Milliseconds until the response. Over HTTP/1.1, earlier requests on the connection are answered first. */
  elapsedMs: number;
  /** Number of requests that it may have to wait for before the proxy sees it, including itself. */
  readonly position: number;
}

interface Posted {
  readonly ended: Promise<void>;
  leave(): void;
}

interface Behaviour {
  connect: Connect;
  /** Number of calls that are sent at one time. */
  burst: number;
  /** One in two does this while its calls are open. */
  does?: "leave" | "cancel";
}

const BEHAVIOURS: Behaviour[] = [
  { connect: connectPipelining, burst: 1 },
  { connect: connectPipelining, burst: 5 },
  { connect: connectStreams, burst: 20 },
  { connect: connectPipelining, burst: 3, does: "leave" },
  { connect: connectStreams, burst: 6, does: "leave" },
  { connect: connectPipelining, burst: 1, does: "cancel" },
  { connect: connectStreams, burst: 6, does: "cancel" },
];
/** Each address has clients of all behaviours. */
const ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
const ACTS_WITHIN_MS = 200;
/** Prevents a client whose connection is refused from spinning. */
const PAUSE_MS = 20;

let loads = 0;

/** The headers of a call. Within a session, it can be cancelled. */
export function callHeaders(call: string, session?: string): Record<string, string> {
  return { ...mcp.LEGACY, [CALL]: call, ...(session !== undefined && { "mcp-session-id": session }) };
}

/** Cancels a call of a session on a separate connection. */
export async function cancel(url: string, call: string, session: string): Promise<void> {
  const body = mcp.notification("notifications/cancelled", { requestId: call });
  const connection = connectPipelining(url);
  await connection.post({ ...mcp.LEGACY, "mcp-session-id": session }, body).ended;
  connection.close();
}

export class QueuedLoad {
  readonly sent: Sent[] = [];
  readonly #name = `load-${++loads}`;
  readonly #url: string;
  readonly #count: number;
  readonly #random: Random;

  /**
   * @param url ends with the path
   * @param count number of calls of all clients together
   */
  constructor(url: string, count: number, random: Random) {
    this.#url = url;
    this.#count = count;
    this.#random = random;
  }

  /** Fraction of the calls that have been sent, from 0 to 1. */
  get progress(): number {
    return this.sent.length / this.#count;
  }

  async run(): Promise<void> {
    const clients = ADDRESSES.flatMap((address) => BEHAVIOURS.map((behaviour) => this.#client(address, behaviour)));
    await Promise.all(clients);
  }

  async #client(address: string, { connect, burst, does }: Behaviour): Promise<void> {
    const session = does === "cancel" ? `session of ${this.#name} ${address} ${burst}` : undefined;
    let connection = connect(this.#url, address);
    while (this.progress < 1) {
      const calls = Array.from({ length: burst }, (_, index) => this.#begin(index + 1));
      const bodies = calls.map((sent) => this.#post(connection, sent, session));
      const acts = does !== undefined && this.#random.oneIn(2);
      if (acts) {
        await sleep(this.#random.below(ACTS_WITHIN_MS));
        const some = bodies
          .map((posted, index) => ({ posted, sent: calls[index] }))
          .filter(() => this.#random.oneIn(2));
        if (does === "cancel") await Promise.all(some.map(({ sent }) => this.#cancel(sent, session!)));
        else if (connect === connectStreams && this.#random.oneIn(2)) some.forEach(leave);
        else leaveAll(connection, calls);
      }
      await Promise.all(bodies.map(({ ended }) => ended));
      // Some are lost for good, and a proxy whose listener drains closes others.
      if (calls.some(({ end }) => end === "lost")) {
        connection.close();
        await sleep(PAUSE_MS);
        connection = connect(this.#url, address);
      }
    }
    connection.close();
  }

  #begin(position: number): Sent {
    const call = `${this.#name}-${this.sent.length}`;
    const sent: Sent = { call, hasLeft: false, isCancelled: false, end: "lost", elapsedMs: 0, position };
    this.sent.push(sent);
    return sent;
  }

  #post(connection: Connection, sent: Sent, session?: string): Posted {
    const sentAt = performance.now();
    const pending = connection.post(callHeaders(sent.call, session), workCall(sent.call));
    const ended = pending.ended.then((end) => {
      sent.end = end;
      sent.elapsedMs = performance.now() - sentAt;
    });
    return { ended, leave: () => pending.leave() };
  }

  #cancel(sent: Sent, session: string): Promise<void> {
    sent.isCancelled = true;
    return cancel(this.#url, sent.call, session);
  }
}

function leave({ sent, posted }: { sent: Sent; posted: Posted }): void {
  sent.hasLeft = true;
  posted.leave();
}

function leaveAll(connection: Connection, calls: Sent[]): void {
  for (const sent of calls) sent.hasLeft = true;
  connection.close();
}
