/** Tool calls that stay open until the server answers them, each on its own connection. */
import { connect, constants } from "node:http2";
import * as mcp from "../envoy/mcp-messages.ts";
import { begin, headOf, readAnswer } from "../envoy/raw-http.ts";
import { until } from "../envoy/sessions/until.ts";
import { bodyOf } from "../envoy/upstream.ts";
import { CALL, CALLER, type CallServer } from "./call-server.ts";

/** The state of a call: `open` until its response has ended, `failed` if there is none. */
export type CallState = "open" | "answered" | "limited" | "failed";

export interface OpenCall {
  /** The request's JSON-RPC id, and the name by which the server knows the call. */
  readonly id: number;
  readonly state: CallState;
  readonly ended: Promise<CallState>;
  /** Closes its connection or, over HTTP/2, resets its stream. */
  leave(): void;
}

let ids = 0;

/** Calls a tool. `url` ends with the path; the server counts the call as one of `caller`. */
export function openCall(url: string, caller: string, tool: string, headers: Record<string, string> = {}): OpenCall {
  const id = ++ids;
  const all = { ...mcp.LEGACY, ...headers, [CALLER]: caller, [CALL]: String(id) };
  const request = begin(url, { headers: all, body: [mcp.toolCall(id, tool)] });
  const answered = async () => {
    const { status, body, complete } = await readAnswer(await headOf(request));
    return complete ? stateOf(status, String(body)) : "failed";
  };
  return watched(id, answered(), () => void request.on("error", () => {}).destroy());
}

/** Calls a tool over HTTP/2. */
export function openHttp2Call(url: string, caller: string, tool: string): OpenCall {
  const { origin, pathname } = new URL(url);
  const id = ++ids;
  const connection = connect(origin).on("error", () => {});
  const counted = { [CALLER]: caller, [CALL]: String(id) };
  const head = { ":method": "POST", ":path": pathname, ":authority": "mcp.example", ...mcp.LEGACY, ...counted };
  const stream = connection.request(head);
  let status = 0;
  stream.on("response", (answered) => (status = Number(answered[":status"])));
  stream.on("error", () => {});
  stream.end(mcp.toolCall(id, tool));
  const answered = async () => {
    try {
      const body = String(await bodyOf(stream));
      return stateOf(status, body);
    } finally {
      connection.destroy();
    }
  };
  return watched(id, answered(), () => stream.close(constants.NGHTTP2_CANCEL));
}

function watched(id: number, answered: Promise<CallState>, leave: () => void): OpenCall {
  const ended = answered.catch((): CallState => "failed");
  const call = { id, state: "open" as CallState, ended, leave };
  void ended.then((state) => (call.state = state));
  return call;
}

function stateOf(status: number, body: string): CallState {
  if (body.includes('"code":429')) return "limited";
  return status === 200 && body.includes('"result"') ? "answered" : "failed";
}

/**
 * Makes `count` calls of `wait`, or of another tool. Resolves to those that have reached the server, once each has been
 * decided.
 */
export async function admittedCalls(
  server: CallServer,
  url: string,
  caller: string,
  count: number,
  headers: Record<string, string> = {},
  tool = "wait",
): Promise<OpenCall[]> {
  const before = server.of(caller).total;
  const calls = Array.from({ length: count }, () => openCall(url, caller, tool, headers));
  const open = () => calls.filter(({ state }) => state === "open");
  await until(() => open().length === server.of(caller).total - before, `${count} calls of ${caller} are decided`);
  return open();
}

/**
 * Expects that exactly `limit` calls can be open at one time, while none is: that all permits have been released, and
 * none twice.
 */
export async function expectPermits(server: CallServer, url: string, caller: string, limit: number): Promise<void> {
  await until(() => server.of(caller).underWay === 0, `${caller} is at rest`);
  const calls = await admittedCalls(server, url, caller, limit + 4);
  if (calls.length !== limit) throw new Error(`of ${limit} calls of ${caller}, ${calls.length} are admitted`);
  server.release();
  await until(() => calls.every(({ state }) => state === "answered"), `the calls of ${caller} are answered`);
}
