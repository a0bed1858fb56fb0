import { describe, expect, test } from "vitest";
import { exchange } from "../../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, SSE_ANSWER, event, post, request, result, toolCall } from "../filter.ts";
import { SAMPLING, SAMPLING_TEXTS, blob, embedded, image, text } from "./contents.ts";
import { expected, start, type Texts, tokenCounts } from "./tokens.ts";

const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s", "mcp-protocol-version": "2025-11-25" };
const ARGUMENTS = { city: "Tromsø ☃", days: 3, units: ["celsius", null], deep: { quote: 'a "quoted" word\n' } };
const TOOLS = [
  { name: "a", title: "Not read", description: "Adds two numbers", inputSchema: { type: "object", properties: {} } },
  { name: "b", inputSchema: { type: "object" }, outputSchema: { type: "object" }, annotations: { title: "no" } },
];
const PROMPT_ARGUMENTS = [{ name: "topic", description: "What it is about", required: true }];
const RESOURCE = { name: "readme", title: "Not read", description: "Read this first", mimeType: "text/plain" };

interface Case {
  readonly name: string;
  readonly method: string;
  readonly params: object;
  readonly answer: object;
  readonly texts: Texts;
}

const CASES: Case[] = [
  {
    name: "a call: what the model wrote and what it reads",
    method: "tools/call",
    params: { name: "echo", arguments: ARGUMENTS, _meta: { progressToken: "not counted" } },
    answer: {
      content: [text("Sunny in Tromsø"), text("and warm"), embedded("A whole file"), image],
      structuredContent: { sky: "sunny", celsius: 21 },
      _meta: { note: "not counted" },
    },
    texts: {
      "arguments echo": [ARGUMENTS],
      "result echo": ["Sunny in Tromsø", "and warm", "A whole file"],
      "structured echo": [{ sky: "sunny", celsius: 21 }],
    },
  },
  {
    name: "a call that answers structured content alone",
    method: "tools/call",
    params: { name: "echo" },
    answer: { content: [image, text("")], structuredContent: { sky: "sunny" } },
    texts: { "result echo": [{ sky: "sunny" }] },
  },
  {
    name: "a call without arguments, that answers nothing to read",
    method: "tools/call",
    params: { name: "echo" },
    answer: { content: [image] },
    texts: {},
  },
  {
    name: "a list of tools",
    method: "tools/list",
    params: {},
    answer: { tools: TOOLS },
    texts: {
      "definitions ": ["a", "Adds two numbers", TOOLS[0].inputSchema, "b", TOOLS[1].inputSchema],
    },
  },
  {
    name: "a list of prompts",
    method: "prompts/list",
    params: {},
    answer: { prompts: [{ name: "sum", title: "Not read", description: "Sums it up", arguments: PROMPT_ARGUMENTS }] },
    texts: { "definitions ": ["sum", "Sums it up", PROMPT_ARGUMENTS] },
  },
  {
    name: "a list of resources",
    method: "resources/list",
    params: {},
    answer: { resources: [{ uri: "demo://readme", ...RESOURCE }] },
    texts: { "definitions ": ["demo://readme", "readme", "Read this first"] },
  },
  {
    name: "a list of templates",
    method: "resources/templates/list",
    params: {},
    answer: { resourceTemplates: [{ uriTemplate: "demo://items/{id}", ...RESOURCE }] },
    texts: { "definitions ": ["demo://items/{id}", "readme", "Read this first"] },
  },
  {
    name: "a prompt",
    method: "prompts/get",
    params: { name: "sum", arguments: { topic: "not the model's" } },
    answer: {
      description: "not read",
      messages: [
        { role: "user", content: text("Sum this up, please") },
        { role: "user", content: embedded("A file within") },
        { role: "user", content: image },
      ],
    },
    texts: { "prompt ": ["Sum this up, please", "A file within"] },
  },
  {
    name: "a resource",
    method: "resources/read",
    params: { uri: "demo://readme" },
    answer: { contents: [{ uri: "demo://readme", mimeType: "text/plain", text: "# Read me\n\n- one\n- two\n" }, blob] },
    texts: { "resource ": ["# Read me\n\n- one\n- two\n"] },
  },
  {
    name: "2026-07-28: what a call asks the client's model",
    method: "tools/call",
    params: { name: "echo", arguments: {} },
    answer: {
      resultType: "input_required",
      inputRequests: {
        one: { method: "sampling/createMessage", params: SAMPLING },
        two: { method: "elicitation/create", params: { message: "not for the model", requestedSchema: {} } },
      },
    },
    texts: { "arguments echo": [{}], "sampling_request echo": SAMPLING_TEXTS },
  },
  {
    name: "2026-07-28: what the client's model has answered to that",
    method: "tools/call",
    params: {
      name: "echo",
      arguments: {},
      inputResponses: {
        one: { role: "assistant", content: text("It is sunny there"), model: "not counted" },
        two: { action: "accept", content: { name: "not the model's" } },
      },
    },
    answer: { content: [text("Thank you")] },
    texts: { "arguments echo": [{}], "result echo": ["Thank you"], "sampling_result echo": ["It is sunny there"] },
  },
];

describe("each kind of text is counted once, under its labels", () => {
  describe.each([
    ["JSON", (body: string) => ({ headers: JSON_ANSWER, body })],
    ["an event", (body: string) => ({ headers: SSE_ANSWER, body: event(body) })],
  ])("answers as %s", (_, answered) => {
    test.each(CASES)("$name", ({ method, params, answer, texts }) => {
      const plugin = start();
      post(plugin, request(method, params), answered(result(answer)));
      expect(tokenCounts(plugin)).toEqual(expected(texts));
    });
  });

  test("no other labels", () => {
    const plugin = start();
    post(plugin, request("tools/call", { name: "echo", arguments: ARGUMENTS }), result());
    post(plugin, request("tools/list"), result({ tools: TOOLS }));
    expect(Object.keys(plugin.vm.metrics.counters("mcp_tokens_total"))).toEqual([
      'mcp_tokens_total{gen_ai_tool_name="echo",mcp_role="server",mcp_server="tools",mcp_token_kind="arguments",' +
        'mcp_token_source="estimated"}',
      'mcp_tokens_total{mcp_role="server",mcp_server="tools",mcp_token_kind="definitions",' +
        'mcp_token_source="estimated"}',
    ]);
  });
});

describe("sampling outside of operations", () => {
  const asked = request("sampling/createMessage", SAMPLING, "server-1");

  test("a request of the server on the GET stream", () => {
    const plugin = start();
    const response = { headers: SSE_ANSWER, body: event(asked), ended: "open" } as const;
    const headers = { accept: "text/event-stream", "mcp-session-id": "s" };
    exchange(plugin, { request: { method: "GET", headers }, response });
    expect(tokenCounts(plugin)).toEqual(expected({ "sampling_request ": SAMPLING_TEXTS }));
  });

  test("a request of the server on a call's stream, in addition to the call's own tokens", () => {
    const plugin = start();
    const body = event(asked) + event(result({ content: [text("done")] }));
    post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body }, { headers: SESSION });
    expect(tokenCounts(plugin)).toEqual(
      expected({ "arguments echo": [{ text: "hello" }], "result echo": ["done"], "sampling_request ": SAMPLING_TEXTS }),
    );
  });

  test.each([
    ["one content", text("It is sunny there"), ["It is sunny there"]],
    ["a list of contents", [text("It is"), image, text("sunny there")], ["It is", "sunny there"]],
    ["the use of a tool", { type: "tool_use", name: "no", id: "1", input: { city: "Oslo" } }, [{ city: "Oslo" }]],
    ["several uses of tools", [1, 2].map((n) => ({ type: "tool_use", input: { n } })), [{ n: 1 }, { n: 2 }]],
  ])("the client's answer: %s", (_, content, texts) => {
    const plugin = start();
    const answer = result({ role: "assistant", content, model: "not counted", stopReason: "endTurn" }, "server-1");
    post(plugin, answer, { status: 202, body: "" }, { headers: SESSION });
    expect(tokenCounts(plugin)).toEqual(expected({ "sampling_result ": texts }));
  });
});
