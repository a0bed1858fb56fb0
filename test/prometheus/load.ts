/** MCP traffic with something of everything: each family of metrics has something to count, and each alert a reason. */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { bodyOf, type Upstream } from "../envoy/upstream.ts";

/** Tools that the server lists. No two look alike once they are sanitized. */
export const TOOLS = [
  "echo",
  "get-weather",
  "files/read",
  "a___mcp_role___b",
  "a___mcp_outcome___ok",
  "_ends_",
  "größe",
];
/** A tool whose calls the limits of the test bound. */
export const METERED = "metered";
/** A tool whose calls wait for each other by these limits: AT_ONCE come together, and each takes QUEUED_MS. */
export const QUEUED = "queued";
const [AT_ONCE, QUEUED_MS] = [30, 100];
/** In later waves the first of them takes longer than from one sweep to the next, so that every proxy shows it as the oldest
 *  operation. */
const FIRST_QUEUED_MS = 7000;
/** Calls of a tool that are enough for the alerts that want some. */
const ENOUGH = 20;
/** And for the highest percentile, in all waves together. */
const ENOUGH_FOR_P99 = 100;
/** Longer than the alert allows, and more so than by the tenth that Envoy's histograms round down. */
const SLOW_MS = 12_000;
const TASK_MS = 100;

type Answer = (response: ServerResponse) => void | Promise<void>;

/** A request, and the path at which the server answers it so. */
interface Step {
  method?: string;
  path: string;
  headers: Record<string, string>;
  body: string[];
}

/** What each proxy is sent, one step after the other; those of a list within go side by side. */
export type Steps = (Step | Step[])[];

/** Sends the steps to a proxy and waits for the last answer. */
export async function send(proxyUrl: string, steps: Steps): Promise<void> {
  for (const step of steps) {
    await Promise.all([step].flat().map(({ path, ...request }) => exchange(proxyUrl + path, request)));
  }
}

/** As many sessions, all of which stay. */
export function sessionsOf(upstream: Upstream, count: number): Steps {
  return Array.from({ length: count }, (_, index) => {
    const path = upstream.route(async (request, response) => {
      await bodyOf(request);
      response.writeHead(200, { ...mcp.JSON_TYPE, "mcp-session-id": `session-${index}` }).end(mcp.result(1, {}));
    });
    return { path, headers: mcp.LEGACY, body: [mcp.request(1, "initialize", {})] };
  });
}

/** What a policy that allows nothing on `/mcp` denies, refuses as ambiguous, and does not check. */
export function deniedSteps(): Steps {
  const post = (path: string, body: string): Step => ({ path, headers: mcp.LEGACY, body: [body] });
  const call = mcp.toolCall(1, "echo");
  const times = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step);
  return [...times(2 * ENOUGH, post("/mcp", call)), ...times(ENOUGH, post("/mcp", "{")), post("/elsewhere", call)];
}

/** What limits cannot decide. */
export function ambiguousSteps(): Steps {
  return Array.from({ length: ENOUGH }, () => ({ path: "/mcp", headers: mcp.LEGACY, body: ["{"] }));
}

/** As many calls, each by a client of another name. */
export function strangersSteps(upstream: Upstream, count: number): Steps {
  const path = upstream.route(async (request, response) => {
    await bodyOf(request);
    response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1));
  });
  return Array.from({ length: count }, (_, index) => {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: `stranger-${index}`, version: "1" },
    };
    return { path, headers: mcp.LEGACY, body: [mcp.request(1, "tools/call", { name: "echo", _meta })] };
  });
}

/** A list of one tool. */
export function listSteps(upstream: Upstream): Steps {
  const path = upstream.route(async (request, response) => {
    await bodyOf(request);
    response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1, { tools: [{ name: "echo" }] }));
  });
  return [{ path, headers: mcp.LEGACY, body: [mcp.request(1, "tools/list")] }];
}

/** As many requests without anything of MCP. */
export function plainSteps(count: number): Steps {
  return Array.from({ length: count }, () => ({ method: "GET", path: "/", headers: {}, body: [] }));
}

/** As many calls that a server fails to answer. */
export function failingSteps(upstream: Upstream, count: number): Steps {
  const path = upstream.route(async (request, response) => {
    await bodyOf(request);
    response.writeHead(503).end();
  });
  return Array.from({ length: count }, () => ({ path, headers: mcp.LEGACY, body: [mcp.toolCall(1, "echo")] }));
}

/** The one endpoint of an upstream: what is known of tools is known by server and path. */
class Endpoint {
  private static readonly all = new WeakMap<Upstream, Endpoint>();
  readonly #answers: Answer[] = [];
  readonly #path: string;

  private constructor(upstream: Upstream) {
    this.#path = upstream.route(async (request, response) => {
      await bodyOf(request);
      await this.#answers[Number(request.url?.split("?")[1])](response);
    });
  }

  static of(upstream: Upstream): Endpoint {
    const endpoint = Endpoint.all.get(upstream) ?? new Endpoint(upstream);
    Endpoint.all.set(upstream, endpoint);
    return endpoint;
  }

  /** Where it answers so: its path with a query. */
  answering(answer: Answer): string {
    return `${this.#path}?${this.#answers.push(answer) - 1}`;
  }
}

/**
 * The steps of the `wave`th wave, 1 the first: each makes the counters grow that the others make grow too. The server lists
 * these tools.
 */
export function stepsOf(upstream: Upstream, wave: number, tools = TOOLS): Steps {
  const endpoint = Endpoint.of(upstream);
  let id = 0;
  const step = (body: string, answer: Answer, headers: Record<string, string> = mcp.LEGACY, method = "POST"): Step => {
    const path = endpoint.answering(answer);
    return { method, path, headers, body: body === "" ? [] : [body] };
  };
  const json =
    (text: string, headers = {}): Answer =>
    (response) =>
      void response.writeHead(200, { ...mcp.JSON_TYPE, ...headers }).end(text);
  const accepted: Answer = (response) => void response.writeHead(202).end();
  /** A request, and what `answer` makes of its id. */
  const ask = (method: string, params: object, answer: (id: number) => Answer, headers?: Record<string, string>) => {
    id++;
    return step(mcp.request(id, method, params), answer(id), headers);
  };
  const succeed = (value?: object) => (id: number) => json(mcp.result(id, value));
  const fail = (code: number) => (id: number) => json(mcp.failure(id, code));
  const call = (name: string, answer: (id: number) => Answer, more: object = {}, headers?: Record<string, string>) =>
    ask("tools/call", { name, ...more }, answer, headers);
  const many = <Item>(make: (index: number) => Item, count = ENOUGH): Item[] =>
    Array.from({ length: count }, (_, index) => make(index));

  const opened = (name: string, protocolVersion: string) => {
    const headers = { "mcp-session-id": `${wave}-${name}` };
    const result = { protocolVersion, capabilities: {}, serverInfo: { name: "shop", version: "1" } };
    const params = { protocolVersion, capabilities: {}, clientInfo: { name, version: "1" } };
    return [
      ask("initialize", params, (id) => json(mcp.result(id, result), headers)),
      step(mcp.notification("notifications/initialized"), accepted, { ...mcp.LEGACY, ...headers }),
    ];
  };
  const inSession = { ...mcp.LEGACY, "mcp-session-id": `${wave}-inspector` };
  const deleted = step("", (response) => void response.writeHead(200).end(), inSession, "DELETE");

  const tool = (name: string) => ({ name, description: `as of wave ${wave}`, inputSchema: { type: "object" } });
  const listed = [...tools, "fails", "slow", wave % 2 ? "came" : "went"].map(tool);
  const told = [
    mcp.notification("notifications/progress", { progressToken: 1, progress: 1 }),
    mcp.notification("notifications/tools/list_changed"),
  ];
  const streamed = (id: number): Answer => {
    const events = [...told, mcp.result(id)].map((message) => mcp.event(message)).join("");
    return (response) => void response.writeHead(200, mcp.SSE_TYPE).end(events);
  };
  const after =
    (milliseconds: number) =>
    (id: number): Answer =>
    async (response) => {
      await sleep(milliseconds);
      await json(mcp.result(id))(response);
    };
  const meta = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
  const mirrored = { ...mcp.MODERN, "mcp-method": "tools/call", "mcp-name": "another" };

  return [
    ...opened("inspector", "2025-11-25"),
    ...opened("My client/1.0", "2025-06-18"),
    ask("tools/list", {}, succeed({ tools: listed })),
    ask("resources/templates/list", {}, succeed({ resourceTemplates: [] })),
    ask("prompts/get", { name: "greet-me" }, succeed({ messages: [] })),
    ask("tools/unheard_of", {}, fail(-32601)),
    ...tools.flatMap((name) => [call(name, succeed()), call(name, fail(-32602)), call(name, fail(12345))]),
    call("echo", streamed),
    ...many(() => call("fails", succeed({ content: [{ type: "text", text: "no" }], isError: true }), {}, inSession)),
    ...many(() => call("echo", succeed(), { arguments: { query: "again" } }, inSession), ENOUGH_FOR_P99),
    ...many(() => call(METERED, succeed())),
    many((index) => call(QUEUED, after(wave > 1 && index === 0 ? FIRST_QUEUED_MS : QUEUED_MS)), AT_ONCE),
    ...many((index) => call(`invented_${wave}_${index}`, fail(-32602))),
    ...many(() => call("echo", (id) => json(mcp.result(id), { "content-encoding": "gzip" }))),
    call("echo", succeed(), meta, mirrored),
    call("echo", succeed({ task: { taskId: `t${wave}`, status: "working" } })),
    step(
      "",
      async (response) => {
        await sleep(TASK_MS);
        response.writeHead(200, mcp.SSE_TYPE).end();
      },
      mcp.LEGACY,
      "GET",
    ),
    ask("tasks/get", { taskId: `t${wave}` }, succeed({ taskId: `t${wave}`, status: "completed" })),
    many(() => call("slow", after(SLOW_MS))),
    deleted,
  ];
}
