import type { BodyEnd, HeaderList, ResetCause } from "../../host/index.ts";
import { type Corpus, changed, mutated, randomSizes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { CAPTURES } from "../seeds.ts";
import type { FilterCase } from "./case.ts";

const METHODS = ["POST", "POST", "POST", "POST", "GET", "GET", "DELETE", "PUT", "OPTIONS"];
const PATHS = ["/mcp", "/mcp", "/mcp?a=1", "/", "/sse", "/messages?sessionId=1", "/api/orders", "/é"];
const STATUSES = [200, 200, 200, 200, 202, 204, 301, 400, 401, 404, 405, 429, 500, 503, 599, 100, 0];
const RESETS: readonly ResetCause[] = ["client", "server", "timeout"];
const ENDS: readonly BodyEnd[] = ["alone", "with-last", "trailers"];
const CLIENTS = ["192.0.2.1:51234", "192.0.2.2:1", "[2001:db8::1]:443", "", "x"];
const CLUSTERS = ["tools", "tools", "shop", "a b;.;c", "", "é"];
const SESSIONS = ["s1", "s2", "s3", "é", "x".repeat(300)];
const NAMES = [
  ...["content-type", "accept", "content-encoding", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"],
  ...["mcp-", "user-agent", "baggage", "x-caller", "last-event-id", "content-length", "host", "x"],
];
const VALUES = [
  ...[
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "text/event-stream",
    "text/html",
    "*/*",
  ],
  ...["application/json, text/event-stream", "gzip", "identity", "br", "2026-07-28", "2025-11-25", "1999-01-01", "s1"],
  ...[
    "",
    " ",
    ";",
    ",",
    "\0",
    "\n",
    "\u00ff",
    "userId=1,a=2;p",
    "userId=",
    "x".repeat(300),
    "x".repeat(8000),
    "0",
    "-1",
  ],
];
const CLIENT: HeaderList = [
  ["content-type", "application/json"],
  ["accept", "application/json, text/event-stream"],
];
const ID = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|null)/g;
const ANSWERS = [
  '"result":{"content":[{"type":"text","text":"Tromsø ☃"}]}',
  '"result":{"isError":true,"content":[]}',
  '"result":{"tools":[{"name":"echo","description":"d"},{"name":"new tool"},{"name":"t3"}],"nextCursor":"2"}',
  '"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}',
  '"result":{"resultType":"input_required","inputRequests":{}}',
  '"result":{"task":{"taskId":"t"}}',
  '"error":{"code":-32602,"message":"no"}',
  '"error":{"code":1}',
];
const PROGRESS = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}';
/** One in this number of streams stays open for a while. */
const OPEN_ONES = 12;

/** Generates exchanges. */
export class ExchangeGenerator {
  readonly #random: Random;
  readonly #corpus: Corpus;
  readonly #isCertain: boolean;

  /** @param isCertain whether the headers of each exchange must make it certain whether it is MCP */
  constructor(random: Random, corpus: Corpus, isCertain: boolean) {
    this.#random = random;
    this.#corpus = corpus;
    this.#isCertain = isCertain;
  }

  next(): FilterCase {
    const random = this.#random;
    const captured = random.oneIn(3) ? random.pick(CAPTURES) : undefined;
    const request = captured === undefined ? this.#request() : this.#altered(captured.request);
    const response = this.#response(request.body, captured?.response ?? null);
    const reset = response === null || random.oneIn(6) ? random.pick(RESETS) : null;
    return {
      seconds: random.oneIn(50) ? random.size(1, 40) : 0,
      client: random.pick(CLIENTS),
      cluster: random.pick(CLUSTERS),
      request,
      response,
      reset,
      staysOpen: reset !== null && random.oneIn(OPEN_ONES / 6) ? random.below(20) : 0,
      sizes: randomSizes(random),
      requestEnd: random.pick(ENDS),
      responseEnd: random.pick(ENDS),
    };
  }

  #request(): FilterCase["request"] {
    const random = this.#random;
    const headers: HeaderList = random.oneIn(8) ? [] : [...CLIENT, ["mcp-session-id", random.pick(SESSIONS)]];
    return this.#altered({
      method: random.pick(METHODS),
      path: random.pick(PATHS),
      headers,
      body: mutated(random, this.#corpus),
    });
  }

  /** A request with a changed body and changed headers. */
  #altered({ method, path, headers, body }: FilterCase["request"]): FilterCase["request"] {
    const changedBody = changed(this.#random, body, this.#corpus);
    // No other header may determine what a POST is.
    const certain: HeaderList = [...CLIENT, ["mcp-session-id", this.#random.pick(SESSIONS)]];
    const isFixed = this.#isCertain && method === "POST";
    return { method, path, headers: isFixed ? certain : this.#headers(headers), body: changedBody };
  }

  #response(asked: Buffer, captured: { status: number; headers: HeaderList; body: Buffer[] } | null) {
    const random = this.#random;
    if (random.oneIn(12)) return null;
    if (captured !== null && !random.oneIn(3)) {
      const body = changed(random, Buffer.concat(captured.body), this.#corpus);
      return { status: captured.status, headers: this.#headers(captured.headers), body };
    }
    const isStream = random.oneIn(2);
    const session: HeaderList = random.oneIn(4) ? [["mcp-session-id", random.pick(SESSIONS)]] : [];
    const headers = [["content-type", isStream ? "text/event-stream" : "application/json"] as const, ...session];
    const body = changed(random, isStream ? this.#events(asked) : this.#answer(asked), this.#corpus);
    return { status: random.pick(STATUSES), headers: this.#headers(headers), body };
  }

  /** A response to the request, as a message or batch; sometimes something else. */
  #answer(asked: Buffer): Buffer {
    if (this.#random.oneIn(6)) return mutated(this.#random, this.#corpus);
    const messages = this.#answers(asked);
    return Buffer.from(messages.length === 1 ? messages[0] : `[${messages.join(",")}]`);
  }

  #events(asked: Buffer): Buffer {
    const random = this.#random;
    const other = mutated(random, this.#corpus).toString();
    const messages = [PROGRESS, ...this.#answers(asked), ...(random.oneIn(4) ? [other] : [])];
    const end = random.pick(["\n", "\n", "\r\n", "\r"]);
    return Buffer.from(messages.map((message) => `event: message${end}data: ${message}${end}${end}`).join(""));
  }

  #answers(asked: Buffer): string[] {
    const ids = Array.from(asked.toString().matchAll(ID), ([, id]) => id);
    return (ids.length > 0 ? ids : ["null"]).map((id) => `{"jsonrpc":"2.0","id":${id},${this.#random.pick(ANSWERS)}}`);
  }

  /** The headers, changed in half of all cases. */
  #headers(headers: HeaderList): HeaderList {
    const random = this.#random;
    let altered = [...headers];
    while (random.oneIn(2)) {
      const at = random.below(altered.length + 1);
      const put = [random.pick(NAMES), random.pick(VALUES)] as const;
      altered = altered.toSpliced(at, random.below(2), ...(random.oneIn(3) ? [] : [put]));
    }
    return altered;
  }
}
