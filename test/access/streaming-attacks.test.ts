/** Attacks by time and size: ends of HTTP/2 bodies, bodies beyond bounds, servers that answer early, two policies. */
import { once } from "node:events";
import { connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { exchangeHttp2 } from "../envoy/raw-http2.ts";
import { bodyOf } from "../envoy/upstream.ts";
import { ALLOWED, call, FORBIDDEN } from "./attack-list.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";
import { type Recorder, startRecorder } from "./recorder.ts";
import { head, speak } from "./socket.ts";

const POLICY = { rules: [{ name: "weather", action: "ALLOW", to: [{ operation: { tools: [ALLOWED] } }] }] };
const REVERSE = { rules: [{ name: "cards", action: "ALLOW", to: [{ operation: { tools: [FORBIDDEN] } }] }] };
const WIDE = { ...POLICY, maxBodyBytes: "8MiB" };
const MIB = 1 << 20;

/** Milliseconds to wait for a proxy that keeps a connection open. */
const SILENCE_MS = 400;

const HOLDS = { allowHeadersStop: true };
const LISTENERS: Record<string, Guarded> = {
  streamed: { access: POLICY },
  held: { ...HOLDS, access: { ...POLICY, holdHeaders: true } },
  reverse: { access: REVERSE },
  "wide-streamed": { access: WIDE },
  "wide-held": { ...HOLDS, access: { ...WIDE, holdHeaders: true } },
  "raised-streamed": { access: WIDE, listener: { per_connection_buffer_limit_bytes: 8 * MIB } },
  "raised-held": {
    ...HOLDS,
    access: { ...WIDE, holdHeaders: true },
    listener: { per_connection_buffer_limit_bytes: 8 * MIB },
  },
};

const keep = endsAfterAll();
let recorder: Recorder;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  recorder = keep(await startRecorder());
  // One worker, so that the same VM serves all listeners.
  envoy = keep(await startGuarded(LISTENERS, { upstream: recorder, concurrency: 1 }));
});

let marks = 0;
const newMark = () => `mark-${++marks}-end`;

/** Expects that the server has seen nothing of the request, except for its head if the listener lets heads pass. */
function expectUnseen(mark: string, listener: string): void {
  const seen = recorder.seen(mark);
  expect(listener.endsWith("streamed") && seen === "head" ? "nothing" : seen).toBe("nothing");
}

async function post(listener: string, body: string, mark: string) {
  const headers = { ...mcp.LEGACY, "x-mark": mark };
  const { status, body: answer } = await exchange(`${envoy.urlOf(listener)}/mcp`, { headers, body: [body] });
  return { status, answer: answer.toString() };
}

describe.each(["streamed", "held"])("%s", (listener) => {
  describe("HTTP/2", () => {
    it("a body that only its trailers end", async () => {
      const [good, bad] = [newMark(), newMark()];
      await exchangeHttp2(envoy.urlOf(listener), `/mcp?${good}`, call(ALLOWED, good));
      expect(recorder.seen(good)).toBe("body");
      const answer = await exchangeHttp2(envoy.urlOf(listener), `/mcp?${bad}`, call(FORBIDDEN, bad));
      expect(answer.body).toContain('"code":403');
      expectUnseen(bad, listener);
    });

    it.each<[what: string, isOne: boolean, send: (text: string) => [headers: object, pieces: (string | number)[]]]>([
      ["frames of one byte", true, (text) => [{}, [...text]]],
      ["a slow body", true, (text) => [{}, [text.slice(0, 30), 300, text.slice(30)]]],
      ["an empty frame at the end", true, (text) => [{}, [text, 50, ""]]],
      ["a length too short", false, (text) => [{ "content-length": "5" }, [text]]],
      ["a length too long", false, (text) => [{ "content-length": "5000" }, [text]]],
    ])("%s", async (_what, isOne, send) => {
      const [good, bad] = [newMark(), newMark()];
      if (isOne) {
        await postHttp2(envoy.urlOf(listener), good, ...send(call(ALLOWED, good)));
        expect(recorder.seen(good)).toBe("body");
      }
      const answer = await postHttp2(envoy.urlOf(listener), bad, ...send(call(FORBIDDEN, bad)));
      if (isOne) expect(answer).toContain('"code":403');
      expectUnseen(bad, listener);
    });

    it("a client that leaves before the end", async () => {
      const mark = newMark();
      const session = connect(envoy.urlOf(listener));
      const stream = session.request({ ":method": "POST", ":path": `/mcp?${mark}`, ...mcp.LEGACY });
      stream.on("error", () => {});
      stream.write(call(FORBIDDEN, mark));
      await sleep(200);
      session.destroy();
      await sleep(200);
      expectUnseen(mark, listener);
    });
  });

  it("a client that leaves before the end of an allowed call: the server sees no part of it", async () => {
    const mark = newMark();
    const text = call(ALLOWED, mark);
    await speak(envoy.urlOf(listener), [sized(`${text} `, mark), text], SILENCE_MS);
    expectUnseen(mark, listener);
    await speak(envoy.urlOf(listener), [sized(`${text} `, mark), text, 100, " "]);
    expect(recorder.seen(mark)).toBe("body");
  });

  describe("size", () => {
    it("beyond the policy's bound and Envoy's", async () => {
      const mark = newMark();
      const { status, answer } = await post(listener, call(ALLOWED, mark + "x".repeat(3 * MIB)), mark);
      // If everything arrives in one chunk, Envoy answers first, with its own 413.
      if (status !== 413) expect([status, answer]).toEqual([200, expect.stringContaining('"reason":"too_large"')]);
      expectUnseen(mark, listener);
    });

    it("beyond Envoy's bound alone: its own 413", async () => {
      const mark = newMark();
      const { status } = await post(`wide-${listener}`, call(ALLOWED, mark + "x".repeat(3 * MIB)), mark);
      expect(status).toBe(413);
      expectUnseen(mark, listener);
    });

    it("both bounds raised: the call decides", async () => {
      const [good, bad] = [newMark(), newMark()];
      const text = "x".repeat(3 * MIB);
      expect((await post(`raised-${listener}`, call(ALLOWED, good + text), good)).answer).toBe(mcp.result(1));
      expect(recorder.requests.at(-1).body).toBe(call(ALLOWED, good + text));
      expect((await post(`raised-${listener}`, call(FORBIDDEN, bad + text), bad)).answer).toContain('"code":403');
      expectUnseen(bad, listener);
    });
  });

  it.each<[what: string, goesOn: boolean, answer: string]>([
    ["JSON", false, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"],
    ["an event stream that stays open", true, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hi\n\n"],
    ["an error, and closes", false, "HTTP/1.1 413 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"],
    ["100, and waits", true, "HTTP/1.1 100 Continue\r\n\r\n"],
  ])("a server that answers first: with %s", async (_what, goesOn, answer) => {
    const hasty = await startHasty(answer);
    const own = await startGuarded({ [listener]: LISTENERS[listener] }, { upstream: hasty });
    try {
      const mark = newMark();
      const denied = call(FORBIDDEN, mark);
      const said = await speak(own.urlOf(listener), [sized(denied, mark), 150, denied], SILENCE_MS);
      expect(hasty.received()).not.toContain(`"${mark}"`);
      // The proxy has waited for the body, or the server was asked and has answered.
      expect(hasty.received() === "").toBe(listener === "held");
      if (listener === "held") expect(said).toContain('"code":403');
      const allowed = call(ALLOWED, mark);
      await speak(own.urlOf(listener), [sized(allowed, mark), 150, allowed], SILENCE_MS);
      if (goesOn) expect(hasty.received()).toContain(`"${mark}"`);
    } finally {
      await own.stop();
      await hasty.close();
    }
  });
});

it("two policies in one VM: each listener goes by its own", async () => {
  const runs = Array.from({ length: 100 }, async (_, i) => {
    const [listener, denied] = i % 2 === 0 ? ["held", FORBIDDEN] : ["reverse", ALLOWED];
    const tool = i % 4 < 2 ? FORBIDDEN : ALLOWED;
    const { answer } = await post(listener, call(tool, newMark()), newMark());
    expect(answer.includes('"code":403'), `${tool} by ${listener}`).toBe(tool === denied);
  });
  await Promise.all(runs);
});

it("two policies in one VM: one that waits for its body keeps its own", async () => {
  const mark = newMark();
  const body = call(FORBIDDEN, mark);
  const slow = speak(envoy.urlOf("held"), [sized(body, mark), 50, body.slice(0, -1), 500, body.slice(-1)]);
  await sleep(250);
  expect((await post("reverse", call(FORBIDDEN, newMark()), newMark())).answer).toBe(mcp.result(1));
  expect(await slow).toContain('"code":403');
  expectUnseen(mark, "held");
});

/** The head of a POST with this body, identified by `mark`. */
function sized(body: string, mark: string): string {
  return head({ ...mcp.LEGACY, "content-length": String(body.length), "x-mark": mark });
}

/**
 * Posts over HTTP/2, each piece in a separate frame; a number is a pause in milliseconds. Resolves to the body of the
 * response, empty if the stream is reset.
 */
async function postHttp2(url: string, mark: string, headers: object, pieces: (string | number)[]): Promise<string> {
  const session = connect(url);
  const stream = session.request({ ":method": "POST", ":path": `/mcp?${mark}`, ...mcp.LEGACY, ...headers });
  const answer = bodyOf(stream).then(String, () => "");
  for (const piece of pieces) {
    if (typeof piece === "number") await sleep(piece);
    else if (piece !== "" && !stream.destroyed) stream.write(piece, () => {});
  }
  stream.end();
  const closed = once(session, "close");
  const text = await Promise.race([answer, sleep(2000, "")]);
  session.destroy();
  await closed;
  return text;
}

/** A server that answers as soon as it has a request's head, and keeps everything that it receives. */
async function startHasty(answer: string) {
  let received = "";
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (received === "") socket.write(answer);
      received += data.toString("latin1");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: "127.0.0.1",
    port,
    received: () => received,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
