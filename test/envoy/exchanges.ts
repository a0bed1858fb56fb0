/** Exchanges of every kind, ordinary and odd, which a proxy has to leave as they are. */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import * as mcp from "./mcp-messages.ts";
import type { RawRequest } from "./raw-http.ts";

const MIB = 1 << 20;
/** The call that most of them bring. */
export const call = mcp.toolCall(1, "echo");
const large = mcp.result(1, { content: [{ type: "text", text: randomBytes(3 * MIB).toString("base64") }] });
const MIRRORED = { "mcp-method": "tools/call", "mcp-name": "echo" };
const session = { ...mcp.LEGACY, "mcp-session-id": "s1" };

const answer = (status: number, headers: Record<string, string | string[]>, body: string | Buffer = "") => {
  return (response: ServerResponse) => void response.writeHead(status, headers).end(body);
};
const json = (status: number, body: string, more: Record<string, string | string[]> = {}) =>
  answer(status, { ...mcp.JSON_TYPE, "content-length": String(Buffer.byteLength(body)), ...more }, body);

/** What is sent, and how the server answers. */
export const EXCHANGES: [what: string, request: RawRequest, respond: (response: ServerResponse) => void][] = [
  ["a call answered as JSON", { headers: mcp.LEGACY, body: [call] }, json(200, mcp.result(1))],
  ["a call answered as events", { headers: mcp.LEGACY, body: [call] }, answer(200, mcp.SSE_TYPE, mcp.event(large))],
  ["of 2026-07-28", { headers: { ...mcp.MODERN, ...MIRRORED }, body: [call] }, json(200, mcp.result(1))],
  ["a request in pieces", { headers: mcp.LEGACY, body: [...call] }, json(200, mcp.result(1))],
  [
    "3 MiB each way",
    { headers: mcp.LEGACY, body: [mcp.request(1, "tools/call", { name: "echo", large })] },
    json(200, large),
  ],
  ["an empty body", { headers: session }, json(400, mcp.failure(null, -32700))],
  ["bad JSON", { headers: session, body: ['{"jsonrpc": nope'] }, json(400, mcp.failure(null, -32700))],
  ["bytes that are no text", { headers: session, body: [randomBytes(MIB)] }, json(400, mcp.failure(null, -32700))],
  ["a batch", { headers: session, body: [`[${call},${call}]`] }, json(200, `[${mcp.result(1)}]`)],
  ["a notification", { headers: session, body: [mcp.notification("notifications/initialized")] }, answer(202, {})],
  ["DELETE", { method: "DELETE", headers: { "mcp-session-id": "s1" } }, answer(200, { "content-length": "0" })],
  ["OPTIONS", { method: "OPTIONS", headers: { origin: "http://x" } }, answer(204, { "access-control-max-age": "9" })],
  ["HEAD", { method: "HEAD", headers: mcp.LEGACY }, json(200, "")],
  ["a GET stream", { method: "GET", headers: session }, answer(200, mcp.SSE_TYPE, `: hi\r\n\r\n${mcp.event(call)}`)],
  ["a GET refused", { method: "GET", headers: session }, json(405, mcp.failure(null, -32000), { allow: "POST" })],
  ["401", { headers: mcp.LEGACY, body: [call] }, json(401, "{}", { "www-authenticate": 'Bearer realm="x"' })],
  ["404", { headers: session, body: [call] }, json(404, mcp.failure(null, -32001))],
  ["500", { headers: session, body: [call] }, answer(500, {}, "no")],
  ["gzip", { headers: session, body: [call] }, answer(200, { "content-encoding": "gzip" }, gzipSync(large))],
  [
    "headers that come twice, and odd ones",
    { headers: { ...session, "X-Two": ["a", "b"], "Mcp-Param-City": "=?base64?VHJvbXPDuA==?=" }, body: [call] },
    json(200, mcp.result(1), { "Set-Cookie": ["a=1", "b=2"], "X-Accel-Buffering": "no", "mcp-session-id": "s1" }),
  ],
  ["a reset before the headers", { headers: session, body: [call] }, (response) => void response.destroy()],
  [
    "a reset after them",
    { headers: session, body: [call] },
    (response) => void response.writeHead(200, mcp.SSE_TYPE).write(": hi\n\n", () => response.destroy()),
  ],
  [
    "trailers",
    { headers: session, body: [call] },
    (response) => {
      response.writeHead(200, { ...mcp.JSON_TYPE, trailer: "x-sum" }).write(mcp.result(1));
      response.addTrailers({ "x-sum": "1" });
      response.end();
    },
  ],
];
