/** The measured traffic: for each workload a request that is sent repeatedly, and its response. */
import * as messages from "./messages.ts";

/** One request and its response. */
export interface Workload {
  /** The name for `--only`. */
  id: string;
  title: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  /** "" if there is no body. */
  body: string;
  answer: {
    contentType: string;
    /** The body. Each part is written separately, like a server that produces them one after the other. */
    parts: string[];
    /** An event stream that the server does not end. */
    staysOpen?: boolean;
  };
  /** Whether the workload is MCP, so that the filter must count it. */
  isMcp: boolean;
}

const KIB = 1024;
const MIB = KIB * KIB;

/** The headers that clients send in addition to those of MCP. */
const CLIENT = { "user-agent": "node", "accept-language": "*", "accept-encoding": "gzip, deflate" };
const POST = { ...CLIENT, "content-type": "application/json", accept: "application/json, text/event-stream" };
/** The headers of a session, in the revision before 2026-07-28. */
const SESSION = {
  ...POST,
  "mcp-protocol-version": "2025-11-25",
  "mcp-session-id": "1868a90c-7d4f-4b8e-9a53-0c1d2e3f4a5b",
};
const MODERN = {
  ...POST,
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": "tools/call",
  "mcp-name": messages.TOOL,
};
const MODERN_META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** A POST of MCP. */
function mcp(id: string, title: string, body: string, answer: Workload["answer"], headers: object = SESSION): Workload {
  return { id, title, method: "POST", headers: { ...headers }, body, answer, isMcp: true };
}

function json(...parts: string[]): Workload["answer"] {
  return { contentType: "application/json", parts };
}

function events(...parts: string[]): Workload["answer"] {
  return { contentType: "text/event-stream", parts };
}

/** The progress notifications of a call, as events. */
function progress(steps: number): string[] {
  return Array.from({ length: steps }, (_, step) => messages.event(messages.progress(step + 1, steps)));
}

const { event, toolCall, toolResult } = messages;
const ORDER = json(messages.sized(500, (note) => ({ order: 4711, state: "accepted", note })));
const withProgress = { progressToken: 1 };

/** All workloads. Sizes are those of the JSON-RPC messages. */
export const WORKLOADS: readonly Workload[] = [
  mcp("a", "tools/call 150 B → JSON 500 B", toolCall(150), json(toolResult(500))),
  mcp("b", "4 KiB → 4 KiB", toolCall(4 * KIB), json(toolResult(4 * KIB))),
  mcp("c", "64 KiB → 64 KiB", toolCall(64 * KIB), json(toolResult(64 * KIB))),
  mcp("d", "1 MiB → 1 MiB", toolCall(MIB), json(toolResult(MIB))),
  mcp(
    "e",
    "as (a), SSE with 3 × progress",
    toolCall(150, withProgress),
    events(...progress(3), event(toolResult(500))),
  ),
  mcp(
    "f",
    "as (a), revision 2026-07-28",
    toolCall(350, MODERN_META),
    json(toolResult(500, { resultType: "complete" })),
    MODERN,
  ),
  mcp("g", "tools/list of 200 tools", messages.LIST_CALL, json(messages.toolList(200))),
  mcp("h", "one SSE event of 2 MiB", toolCall(150), events(event(toolResult(2 * MIB)))),
  mcp("i", "SSE stream of 10 000 events", toolCall(150, withProgress), events(manyEvents(10_000))),
  {
    id: "j-post",
    title: "not MCP: JSON POST 150 B → 500 B",
    method: "POST",
    headers: { ...POST, accept: "application/json" },
    body: messages.sized(150, (note) => ({ order: 4711, items: [{ sku: "A-1", count: 2 }], note })),
    answer: ORDER,
    isMcp: false,
  },
  {
    id: "j-get",
    title: "not MCP: GET → 500 B",
    method: "GET",
    headers: { ...CLIENT, accept: "application/json" },
    body: "",
    answer: ORDER,
    isMcp: false,
  },
];

/** A burst of this number of events, the last of which is the result. */
function manyEvents(count: number): string {
  return [...progress(count - 1), event(toolResult(500))].join("");
}

/** The path of a workload at the upstream. */
export function pathOf({ id }: Workload): string {
  return `/bench/${id}`;
}

/** The sizes of both messages in bytes. */
export function sizesOf({ body, answer }: Workload): { request: number; response: number } {
  return { request: Buffer.byteLength(body), response: Buffer.byteLength(answer.parts.join("")) };
}
