import { beforeAll, describe, expect, it } from "vitest";

import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { halves, single } from "../chunks.ts";
import { idOf } from "../jsonrpc/reader.ts";
import { expectedInBody } from "./oracle.ts";
import { type Message, type Faulty, readMessages } from "./reader.ts";

interface Body {
  readonly title: string;
  readonly isEventStream: boolean;
  /** As it came from the network. */
  readonly chunks: Buffer[];
}

function contentType(headers: readonly [string, string][]): string {
  const value = headers.find(([name]) => name === "content-type")?.[1] ?? "";
  return value.split(";")[0].trim();
}

/** The bodies of a capture that are JSON or event streams; one request says that it is not what it is. */
function bodiesOf(capture: string): Body[] {
  return readCapture(capture)
    .flatMap(({ number, request, response }) => [
      { title: `request ${number}`, type: "application/json", chunks: [request.body] },
      { title: `response ${number}`, type: contentType(response?.headers ?? []), chunks: response?.body ?? [] },
    ])
    .filter(({ chunks }) => chunks.some((chunk) => chunk.length > 0))
    .filter(({ type }) => type === "application/json" || type === "text/event-stream")
    .map(({ title, type, chunks }) => ({ title, isEventStream: type === "text/event-stream", chunks }));
}

/** What JSON.parse and eventsource-parser find; JSON.parse does not say why it cannot read a text. */
function comparable(message: Message | Faulty): object {
  return "fault" in message && ["Syntax", "Truncated"].includes(message.fault) ? { fault: "unreadable" } : message;
}

describe.each(captureNames())("capture %s", (name) => {
  const bodies = bodiesOf(name);

  it.each(bodies)("$title: the same messages in every cut, those of JSON.parse and eventsource-parser", (body) => {
    const { isEventStream, chunks } = body;
    const bytes = Buffer.concat(chunks);
    const whole = readMessages(isEventStream, [bytes]);
    expect(whole.map(comparable)).toEqual(expectedInBody(isEventStream, bytes));
    const expected = JSON.stringify(whole);
    const check = (cut: Uint8Array[], what: string): void => {
      // A text compares faster than objects do, and there are many cuts.
      if (JSON.stringify(readMessages(isEventStream, cut)) !== expected) {
        expect(readMessages(isEventStream, cut), what).toEqual(whole);
      }
    };
    check(chunks, "in the chunks of the capture");
    check(single(bytes), "byte by byte");
    for (const cut of halves(bytes)) check(cut, `cut at ${cut[0].length}`);
  });
});

describe("the captures", () => {
  const messages: (Message | Faulty)[] = [];

  beforeAll(() => {
    for (const { isEventStream, chunks } of captureNames().flatMap(bodiesOf)) {
      messages.push(...readMessages(isEventStream, chunks));
    }
  });

  it("hold as many messages of each kind as a search for their lines finds", () => {
    const count = (values: (string | undefined)[]): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const value of values) if (value) counts[value] = (counts[value] ?? 0) + 1;
      return counts;
    };
    const each = messages as Partial<Message & Faulty>[];
    expect(count(each.map(({ kind }) => kind))).toEqual({ Request: 101, Response: 102, Notification: 35 });
    expect(count(each.map(({ outcome }) => outcome))).toEqual({
      ok: 65,
      rpc_error: 28,
      tool_error: 7,
      input_required: 2,
    });
    expect(count(each.map(({ fault }) => fault))).toEqual({ Truncated: 1, NotJsonRpc: 2 });
  });

  it("hold this first request and its answer", () => {
    const [request, answer] = bodiesOf(captureNames()[0]);
    expect(readMessages(request.isEventStream, request.chunks)).toEqual([
      {
        kind: "Request",
        method: "initialize",
        name: "",
        id: idOf("0"),
        outcome: "",
        errorCode: null,
        answersUnknown: false,
        cancelled: "",
        requestRevision: "_OTHER",
        agreedRevision: "_OTHER",
        clientName: "capture-client",
        size: 222,
        listed: [],
        tokens: [0, 0, 0, 0, 0, 0, 0, 0],
        cursor: "",
        nextCursor: "",
      },
    ]);
    expect(answer.isEventStream).toBe(true);
    expect(readMessages(true, answer.chunks)).toMatchObject([{ kind: "Response", id: idOf("0"), outcome: "ok" }]);
  });

  it("list tools and prompts", () => {
    const listed = new Set(messages.flatMap((message) => ("kind" in message ? message.listed : [])));
    expect([...listed].filter((name) => name.startsWith("prompt "))).toEqual(
      ["simple-prompt", "args-prompt", "completable-prompt", "resource-prompt"].map((name) => `prompt ${name}`),
    );
    expect([...listed]).toEqual(expect.arrayContaining(["echo", "get-sum", "boom"].map((name) => `tool ${name}`)));
    expect(listed.size).toBe(50);
  });
});
