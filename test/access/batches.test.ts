/**
 * Batches to a server of the official SDK 1.x through a real Envoy. The server answers what the policy and the limits
 * let pass, and the filter the rest. The server sees one request of the original length.
 */
import type { IncomingMessage } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { exchangeHttp2 } from "../envoy/raw-http2.ts";
import { bodyOf, startUpstream, type Upstream } from "../envoy/upstream.ts";
import { messagesOf } from "../envoy/wire.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";

const POLICY = {
  defaultAction: "ALLOW",
  rules: [
    { name: "no-rm", action: "DENY", to: [{ operation: { tools: ["rm"] } }], hint: "use trash" },
    { name: "no-note", action: "DENY", to: [{ operation: { methods: ["notifications/roots/*"] } }] },
    { name: "no-answer", action: "DENY", to: [{ operation: { methods: ["*"], direction: "server_to_client" } }] },
  ],
};
const LIMITS = {
  rules: [{ name: "one", to: [{ operation: { tools: ["slow"] } }], key: [], requests: { amount: 1, per: "1h" } }],
};

const guarded = (isHeld: boolean): Guarded => ({
  access: POLICY,
  allowHeadersStop: isHeld,
  plugin: { match: { paths: ["/route-*"] }, hold: { headers: isHeld }, limits: LIMITS },
});

const keep = endsAfterAll();
let upstream: Upstream;
let envoy: GuardedEnvoy;
/** The requests that the server has seen. */
const seen: { head: IncomingMessage; body: string }[] = [];
/** The tools that ran. */
const ran: string[] = [];

beforeAll(async () => {
  upstream = keep(await startUpstream());
  envoy = keep(await startGuarded({ held: guarded(true), default: guarded(false) }, { upstream, concurrency: 2 }));
});

/** Starts an SDK server without sessions, with responses as JSON or as events. Returns its path. */
function startServer(enableJsonResponse: boolean): string {
  return upstream.route(async (request, response) => {
    const server = new McpServer({ name: "batches", version: "1.0.0" });
    for (const name of ["echo", "rm", "slow"]) {
      server.registerTool(name, {}, () => {
        ran.push(name);
        return { content: [{ type: "text", text: `${name} ran` }] };
      });
    }
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse });
    await server.connect(transport);
    const body = String(await bodyOf(request));
    seen.push({ head: request, body });
    await transport.handleRequest(request, response, JSON.parse(body));
  });
}

interface Message {
  id: unknown;
  result?: { content: { text: string }[] };
  error?: { code: number; data?: object };
}

/** Posts a body over HTTP/1 or, followed by trailers, over HTTP/2. Resolves to the messages of the response by id. */
async function post(listener: string, path: string, body: string, isHttp2: boolean): Promise<Map<unknown, Message>> {
  const url = envoy.urlOf(listener);
  let contentType = "";
  let text = "";
  if (isHttp2) {
    const answer = await exchangeHttp2(url, path, body);
    contentType = answer.headers["content-type"] ?? "";
    text = answer.body;
  } else {
    const answer = await exchange(`${url}${path}`, { headers: mcp.LEGACY, body: [body] });
    contentType = answer.rawHeaders[answer.rawHeaders.findIndex((name) => name.toLowerCase() === "content-type") + 1];
    text = String(answer.body);
  }
  const messages = messagesOf({ contentType, text }).flatMap((each) => JSON.parse(each) as Message[]);
  return new Map(messages.map((message) => [message.id, message]));
}

describe.each(["held", "default"])("with %s headers", (listener) => {
  describe.each([
    ["HTTP/1", false],
    ["HTTP/2 with trailers", true],
  ])("over %s", (_, isHttp2) => {
    it.each([
      ["JSON", true],
      ["events", false],
    ])("each message of a batch has its own answer, as %s", async (_form, isJson) => {
      const path = startServer(isJson);
      const [before, runs] = [seen.length, ran.length];
      const note = mcp.notification("notifications/roots/list_changed");
      const body = `[ ${mcp.toolCall(1, "echo")},${mcp.toolCall("2", "rm")} ,\n${note}, ${mcp.result(9)},${mcp.request(3, "ping")}] `;
      const answers = await post(listener, path, body, isHttp2);
      expect(answers.get(1)?.result?.content).toEqual([{ type: "text", text: "echo ran" }]);
      expect(answers.get(3)).toMatchObject({ result: {} });
      expect(answers.get("2")).toEqual({
        ...{ jsonrpc: "2.0", id: "2" },
        error: { code: 403, message: "Denied by the access policy", data: { rule: "no-rm", hint: "use trash" } },
      });
      expect(answers.size).toBe(3);
      expect(ran.slice(runs)).toEqual(["echo"]);
      expect(seen).toHaveLength(before + 1);
      const { head, body: received } = seen.at(-1);
      const expected = body
        .replace(mcp.toolCall("2", "rm"), mcp.toolCall("2", "rm").replace("tools/call", "denied____"))
        .replace("notifications/roots/list_changed", "denied_".padEnd(32, "_"))
        .replace(`, ${mcp.result(9)}`, " ".repeat(mcp.result(9).length + 2));
      expect(received).toBe(expected);
      if (head.headers["content-length"]) expect(head.headers["content-length"]).toBe(String(body.length));
    });

    it("no part of a rewritten body is read as another request", async () => {
      const path = startServer(true);
      const before = seen.length;
      const hidden = `GET /hidden HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n`;
      const call = (id: number, name: string) =>
        mcp.request(id, "tools/call", { name, arguments: { text: hidden.repeat(2000) } });
      const body = `[${mcp.result(8)},${call(1, "rm")},${call(2, "echo")},${mcp.result(9)}]`;
      const answers = await post(listener, path, body, isHttp2);
      expect([answers.get(1)?.error?.code, answers.get(2)?.result?.content[0].text]).toEqual([403, "echo ran"]);
      expect(seen).toHaveLength(before + 1);
      expect(Buffer.byteLength(seen.at(-1).body)).toBe(Buffer.byteLength(body));
    });
  });

  it("a batch whose messages are all denied never reaches the server", async () => {
    const path = startServer(true);
    const before = seen.length;
    const answers = await post(listener, path, `[${mcp.toolCall(1, "rm")},${mcp.toolCall(2, "rm")}]`, false);
    expect([...answers.values()].map(({ id, error }) => [id, error?.code])).toEqual([
      [1, 403],
      [2, 403],
    ]);
    expect(seen).toHaveLength(before);
  });

  it("limits reject only the messages beyond the allowance", async () => {
    const path = startServer(true);
    const calls = [1, 2, 3].map((id) => mcp.toolCall(id, "slow"));
    const answers = await post(listener, path, `[${calls.join(",")},${mcp.toolCall(4, "echo")}]`, false);
    expect(answers.get(4)?.result?.content[0].text).toBe("echo ran");
    expect(answers.get(3)?.error).toMatchObject({ code: 429, data: { rule: "one", scope: "requests" } });
  });
});
