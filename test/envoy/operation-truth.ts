/** Pairs the requests of recorded exchanges, of either side, with what became of them. */
import type { Recorded } from "./recording.ts";
import { isModern, type Message, type Passed, type Wire } from "./wire.ts";

/** A request that has ended. */
export interface Operation {
  request: Passed;
  fromServer: boolean;
  /** Absent where none came. */
  answer?: Passed;
  outcome: string;
}

/** The operations that have ended: those of clients, then those of servers. */
export function operationsOf(wire: Wire): Operation[] {
  const { sent, received } = wire;
  const [fromServers, fromClients] = [new Answers(received), new Answers(sent)];
  const cancelled = new Set(sent.flatMap(cancellationOf));
  return [
    ...sent.flatMap((request) => {
      // In HTTP+SSE the answer comes on the stream of the session.
      const awaited = wire.streamOf(request.session) ?? request.exchange;
      return ended(request, false, fromServers.to(request), awaited, cancelled);
    }),
    ...received.flatMap((request) => {
      // Without a session nothing tells whose answer a POST is.
      if (request.session === null) return [];
      return ended(request, true, fromClients.to(request), wire.streamOf(request.session), cancelled);
    }),
  ];
}

/** The operation of a request, if it is one and has ended; `awaited` is the exchange without which no answer comes. */
function ended(
  request: Passed,
  fromServer: boolean,
  answer: Passed | undefined,
  awaited: Recorded | undefined,
  cancelled: ReadonlySet<string>,
): Operation[] {
  if (request.message.id === undefined || request.message.method === undefined) return [];
  if (answer !== undefined) return [{ request, fromServer, answer, outcome: outcomeOf(answer.message) }];
  if (awaited === undefined || awaited.ended === "open") return [];
  const isLeft = awaited.ended === "left";
  const isCancelled =
    (isModern(request.exchange) && isLeft) || cancelled.has(keyOf(request.session, request.message.id));
  const withoutAnswer = isLeft ? "disconnected" : outcomeOfStatus(request.exchange.status);
  return [{ request, fromServer, outcome: isCancelled ? "cancelled" : withoutAnswer }];
}

/** The responses among messages. */
class Answers {
  readonly #byExchange = new Map<Recorded, Passed[]>();
  readonly #bySession = new Map<string, Passed>();

  constructor(messages: Passed[]) {
    for (const passed of messages.filter(({ message }) => message.method === undefined)) {
      const { exchange, session, message } = passed;
      const others = this.#byExchange.get(exchange) ?? [];
      this.#byExchange.set(exchange, [...others, passed]);
      if (session !== null) this.#bySession.set(keyOf(session, message.id), passed);
    }
  }

  /** The response to this request: in its own exchange, or elsewhere in its session. */
  to({ exchange, session, message: { id } }: Passed): Passed | undefined {
    const own = this.#byExchange.get(exchange)?.find(({ message }) => message.id === id || isOfUnknown(message));
    if (own !== undefined || session === null) return own;
    return this.#bySession.get(keyOf(session, id));
  }
}

/** Whether it answers what the server could not read. */
function isOfUnknown({ id, error }: Message): boolean {
  return id === null && error !== undefined;
}

/** What the status of a response without the answer means. */
function outcomeOfStatus(status: number): string {
  if (status < 300) return "unanswered";
  if (status === 401) return "unauthenticated";
  return status < 500 ? "http_error" : "upstream_error";
}

function outcomeOf({ result, error }: Message): string {
  if (error !== undefined) return "rpc_error";
  if (result?.resultType === "input_required") return "input_required";
  return result?.isError === true ? "tool_error" : "ok";
}

function cancellationOf({ session, message: { method, params } }: Passed): string[] {
  return method === "notifications/cancelled" ? [keyOf(session, params!.requestId)] : [];
}

function keyOf(session: string | null, id: Message["id"]): string {
  return JSON.stringify([session, id]);
}
