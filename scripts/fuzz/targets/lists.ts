import { listAnswer } from "../../../test/host/filter/lists/generate.ts";
import { DENIED_START, DENYING, type Kind, KINDS, METHODS, NAMED_BY } from "../../../test/host/filter/lists/kinds.ts";
import { edited, isWithheld, nameOf } from "../../../test/host/filter/lists/oracle.ts";
import { type BodyEnd, exchange, loadModule, type Plugin, Vm } from "../../host/index.ts";
import { cut } from "../../../test/unit/chunks.ts";
import { parseEvents } from "../../../test/unit/sse/events.ts";
import { type Corpus, changed, corpusOf, mutated, randomSizes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { capturedBodies } from "../seeds.ts";
import { type Batch, Mismatch, same, type Target } from "../target.ts";
import { jsonValues } from "../units.ts";
import { BROKEN_UTF8, MESSAGE_WORDS, SSE_WORDS } from "../words.ts";
import { DEPTH_LIMIT, depthOf, isJson } from "../written.ts";

/** A response to requests for all lists, and how it is cut. */
interface ListCase {
  readonly isEvents: boolean;
  readonly body: Buffer;
  readonly sizes: readonly number[];
  readonly end: BodyEnd;
}

const GENERATED = 200;
/**
 * Maximum number of memory pages of one filter: enough for what a few responses hold, but not for what each would leak.
 */
const MAX_PAGES = 80;
/** Maximum length in characters of names that are certainly read completely. */
const NAME_LIMIT = 60;
/** URIs that have only one form, and are not templates. */
const KNOWN_URI = /^(test|secret):\/\/(keep|deny)\/\w*$/;
const DENIED_METHOD = "sampling/createMessage";
/** Ends a possibly unfinished event. */
const END = Buffer.from("\n\n");
const ASKED = KINDS.map((kind, id) => ({ jsonrpc: "2.0", id, method: METHODS[kind] }));
const ACCESS = {
  ...DENYING,
  rules: [
    ...DENYING.rules,
    { name: "asks", action: "DENY", to: [{ operation: { methods: [DENIED_METHOD], direction: "server_to_client" } }] },
  ],
};
const WORDS = [
  ...MESSAGE_WORDS,
  ...BROKEN_UTF8,
  ...[
    '"tools":[',
    '"name":"deny",',
    '"name":"keep"',
    '"result":{"prompts":[',
    '"cacheScope":"public",',
    '"inputRequests":{',
  ].map((text) => Buffer.from(text)),
  ...[`"method":"${DENIED_METHOD}",`, '"Tools":', '"\\u0074ools":', '"n\\u0061me":"deny"'].map((text) =>
    Buffer.from(text),
  ),
];

/**
 * Passes responses with lists through the filter with a policy: no parser must find in what clients get anything that
 * the policy denies.
 */
export const lists: Target<ListCase> = {
  begin(random): Batch<ListCase> {
    const [whole, inParts] = [new Editor(), new Editor()];
    let corpora: { json: Corpus; events: Corpus } | undefined;
    return {
      generate() {
        corpora ??= { json: corpusFor(random, false), events: corpusFor(random, true) };
        const isEvents = random.oneIn(2);
        const corpus = isEvents ? corpora.events : corpora.json;
        const answer = () => listAnswer(random, { isEvents, elements: 6 }).body;
        const body = random.oneIn(3) ? changed(random, answer(), corpus) : mutated(random, corpus);
        return { isEvents, body, sizes: randomSizes(random), end: random.pick(["alone", "with-last", "trailers"]) };
      },
      check({ isEvents, body, sizes, end }) {
        const received = whole.receive(isEvents, [body]);
        const receivedInParts = inParts.receive(isEvents, cut(body, sizes), end);
        for (const each of [received, receivedInParts]) {
          for (const message of messagesOf(isEvents, each)) requireAllowed(isEvents, message);
        }
        const texts = textsOf(isEvents, body);
        // If it is not JSON, more or less of it may pass.
        if (!texts.every(isJson)) return;
        same("what is edited again", whole.receive(isEvents, [received]).toString(), received.toString());
        same("what the client gets in parts", receivedInParts.toString(), received.toString());
        const expected = expectedOf(isEvents, body, texts);
        if (expected !== undefined) same("the answer", received.toString(), expected);
      },
      finish() {
        for (const { pages } of [whole, inParts]) {
          if (pages > MAX_PAGES) throw new Mismatch("pages of memory", pages, `${MAX_PAGES} at most`);
        }
      },
    };
  },
};

/** One instance of the filter. */
class Editor {
  readonly #plugin: Plugin;

  constructor() {
    const configuration = { match: { paths: ["/mcp"] }, access: ACCESS };
    this.#plugin = new Vm(loadModule()).plugin({ configuration });
    const fault = this.#plugin.vm.logs.find(({ message }) => message.startsWith("invalid configuration"));
    if (fault) throw new Error(fault.message);
  }

  /** Number of pages of the module's memory. */
  get pages(): number {
    return this.#plugin.vm.memoryPages();
  }

  /** What the client gets of a response in these chunks. */
  receive(isEvents: boolean, body: readonly Uint8Array[], responseEnd: BodyEnd = "alone"): Buffer {
    const headers = { "content-type": isEvents ? "text/event-stream" : "application/json" };
    const spec = { request: { body: JSON.stringify(ASKED) }, response: { headers, body } };
    return exchange(this.#plugin, spec, { responseEnd }).stream.received;
  }
}

function corpusFor(random: Random, isEvents: boolean): Corpus {
  const generated = Array.from({ length: GENERATED }, () => listAnswer(random, { isEvents, elements: 4 }).body);
  const captured = capturedBodies(isEvents ? "text/event-stream" : "application/json");
  return corpusOf([...generated, ...captured], isEvents ? [...WORDS, ...SSE_WORDS] : WORDS, jsonValues);
}

/** The texts of messages in a response, including that of an unfinished event. */
function textsOf(isEvents: boolean, body: Buffer): string[] {
  if (!isEvents) return [body.toString().replace(/^\ufeff/, "")];
  return parseEvents(Buffer.concat([body, END])).map(({ data }) => data);
}

/** The messages that a client reads. */
function messagesOf(isEvents: boolean, received: Buffer): unknown[] {
  return textsOf(isEvents, received)
    .filter(isJson)
    .flatMap((text) => JSON.parse(text) as unknown);
}

function requireAllowed(isEvents: boolean, message: unknown): void {
  if (isEvents && member(message, "method") === DENIED_METHOD)
    throw new Mismatch("a request of the server", message, "another method");
  const result = member(message, "result");
  for (const kind of KINDS) {
    const list = member(result, kind);
    if (!Array.isArray(list)) continue;
    for (const element of list as unknown[])
      if (isDenied(kind, element)) throw new Mismatch(kind, element, "nothing denied");
  }
  // JSON responses contain server requests only since 2026-07-28, and these requests have an older revision.
  if (!isEvents) return;
  for (const asked of Object.values(member(result, "inputRequests") ?? {})) {
    if (member(asked, "method") === DENIED_METHOD) throw new Mismatch("an input request", asked, "another method");
  }
}

function isDenied(kind: Kind, element: unknown): boolean {
  const name = member(element, NAMED_BY[kind]);
  return typeof name !== "string" || name.startsWith(DENIED_START[kind]);
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/**
 * The expected response for the client. Undefined if it is not certain: the body is not Unicode, is deeply nested,
 * contains requests or no message, or the policy may know more about a name than the oracle.
 */
function expectedOf(isEvents: boolean, body: Buffer, texts: readonly string[]): string | undefined {
  if (!Buffer.from(body.toString()).equals(body)) return undefined;
  const isKnown = (text: string) =>
    /^[\s]*[{[]/.test(text) && depthOf(text) < DEPTH_LIMIT && !JSON.stringify(JSON.parse(text)).includes('"method":');
  if (!texts.every(isKnown)) return undefined;
  let isCertain = true;
  const expected = edited(body, isEvents, (kind, element, text) => {
    const name = nameOf(kind, element, text);
    const isUri = NAMED_BY[kind] !== "name";
    if (name !== undefined && (name.length > NAME_LIMIT || (isUri && !KNOWN_URI.test(name)))) isCertain = false;
    return isWithheld(kind, element, text);
  });
  return isCertain ? expected.toString() : undefined;
}
