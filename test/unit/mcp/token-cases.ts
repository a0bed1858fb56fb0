import type { TokenKind } from "./reader.ts";

/** A message as clients and servers send it, and the texts in it that count. What is no string counts as JSON. */
export interface TokenCase {
  readonly title: string;
  readonly message: object;
  readonly texts: Partial<Record<TokenKind, unknown[]>>;
}

/** The beginning of a picture, as base64. */
const BASE64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function request(method: string, params: object): object {
  return { jsonrpc: "2.0", id: 7, method, params };
}

function answer(result: object): object {
  return { jsonrpc: "2.0", id: 7, result };
}

const forecast = { city: "Sankt Pölten", days: 3, units: null, 'a "quoted"\tkey': ["é", "😀", -1.5e-7, true, {}] };
const report = "Forecast for Sankt Pölten:\n\n| day | °C |\n| --- | --- |\n| Mon | 21.5 |\n“Sunny”, says the server.";
const source = 'export function add(a: number, b: number): number {\n  return a + b; // "both"\n}\n';
const schema = {
  type: "object",
  properties: { city: { type: "string", description: "Name of a city, like `Wien`." }, days: { type: "integer" } },
  required: ["city"],
};
const annotations = { readOnlyHint: true, title: "Not what a model reads" };
const unread = {
  title: "A title",
  annotations,
  icons: [{ src: "https://example.com/i.png" }],
  _meta: { text: "meta" },
};
const useOfTool = { type: "tool_use", id: "call-1", name: "get_weather", input: { city: "Wien" } };
const image = { type: "image", data: BASE64, mimeType: "image/png" };
const conversation = [
  { role: "user", content: { type: "text", text: "What is the weather like?" } },
  { role: "assistant", content: [useOfTool, { type: "text", text: "Let me look." }, image] },
  {
    role: "user",
    content: [
      { type: "tool_result", toolUseId: "call-1", content: [{ type: "text", text: report }, image], isError: false },
    ],
  },
];
const createMessage = {
  messages: conversation,
  systemPrompt: "You are a helpful meteorologist.",
  modelPreferences: { hints: [{ name: "claude" }] },
  maxTokens: 1000,
  tools: [{ ...unread, name: "get_weather", description: "Looks the weather up.", inputSchema: schema }],
};
const asked = [
  "What is the weather like?",
  { city: "Wien" },
  "Let me look.",
  report,
  "You are a helpful meteorologist.",
  ...["get_weather", "Looks the weather up.", schema],
];
const sampled = {
  role: "assistant",
  content: { type: "text", text: "It is 21.5 °C." },
  model: "m",
  stopReason: "endTurn",
};
const elicited = { action: "accept", content: { city: "Wien", days: 3 } };

export const CASES: TokenCase[] = [
  {
    title: "a call of a tool",
    message: request("tools/call", { name: "get_weather", arguments: forecast, _meta: { progressToken: 1 } }),
    texts: { arguments: [forecast] },
  },
  {
    title: "a tool's result of several contents",
    message: answer({
      content: [
        { type: "text", text: report, annotations: { audience: ["user"] } },
        image,
        { type: "audio", data: BASE64, mimeType: "audio/wav" },
        { type: "text", text: "" },
        { type: "resource", resource: { uri: "file:///add.ts", mimeType: "text/plain", text: source } },
        { type: "resource", resource: { uri: "file:///add.png", mimeType: "image/png", blob: BASE64 } },
        { type: "resource_link", uri: "file:///more.ts", name: "more.ts", description: "More of it." },
        { type: "text", text: "That is all." },
      ],
      isError: false,
      _meta: { text: "meta" },
    }),
    texts: { result: [report, source, "That is all."] },
  },
  {
    title: "a tool's result that is structured",
    message: answer({ content: [{ type: "text", text: JSON.stringify(forecast) }], structuredContent: forecast }),
    texts: { result: [JSON.stringify(forecast)], structured: [forecast] },
  },
  {
    title: "a tool's result of nothing but pictures",
    message: answer({ content: [image, image] }),
    texts: {},
  },
  {
    title: "a tool's error",
    message: answer({ content: [{ type: "text", text: "No such city." }], isError: true }),
    texts: { result: ["No such city."] },
  },
  {
    title: "a list of tools",
    message: answer({
      tools: [
        {
          ...unread,
          name: "get_weather",
          description: "Looks the weather up.",
          inputSchema: schema,
          outputSchema: schema,
        },
        { name: "no-description", inputSchema: { type: "object" }, execution: { taskSupport: "optional" } },
      ],
      nextCursor: "page 2",
    }),
    texts: { definitions: ["get_weather", "Looks the weather up.", schema, "no-description", { type: "object" }] },
  },
  {
    title: "a list of prompts",
    message: answer({
      prompts: [{ ...unread, name: "review", description: report, arguments: [{ name: "code", required: true }] }],
    }),
    texts: { definitions: ["review", report, [{ name: "code", required: true }]] },
  },
  {
    title: "a list of resources",
    message: answer({
      resources: [
        { ...unread, uri: "file:///a.txt", name: "a.txt", description: "A file.", mimeType: "text/plain", size: 12 },
      ],
    }),
    texts: { definitions: ["file:///a.txt", "a.txt", "A file."] },
  },
  {
    title: "a list of templates",
    message: answer({
      resourceTemplates: [
        { ...unread, uriTemplate: "file:///{path}", name: "files", description: "Any file.", mimeType: "x/y" },
      ],
    }),
    texts: { definitions: ["file:///{path}", "files", "Any file."] },
  },
  {
    title: "a prompt",
    message: answer({
      description: "Not what a model reads",
      messages: [
        { role: "user", content: { type: "text", text: "Review this:" } },
        { role: "user", content: { type: "resource", resource: { uri: "file:///add.ts", text: source } } },
        { role: "user", content: image },
        { role: "assistant", content: { type: "text", text: report } },
      ],
    }),
    texts: { prompt: ["Review this:", source, report] },
  },
  {
    title: "a resource",
    message: answer({
      contents: [
        { uri: "file:///add.ts", mimeType: "text/plain", text: source },
        { uri: "file:///add.png", mimeType: "image/png", blob: BASE64 },
        { uri: "file:///empty", text: "" },
        { uri: "file:///report.md", text: report },
      ],
    }),
    texts: { resource: [source, report] },
  },
  {
    title: "a server's request of sampling",
    message: request("sampling/createMessage", createMessage),
    texts: { sampling_request: asked },
  },
  {
    title: "a result of 2026-07-28 that asks for sampling",
    message: answer({
      resultType: "input_required",
      inputRequests: {
        "a-1": { method: "sampling/createMessage", params: createMessage },
        "b-2": { method: "elicitation/create", params: { message: "Which city?", requestedSchema: schema } },
        "c-3": { method: "sampling/createMessage", params: { messages: [conversation[0]], maxTokens: 5 } },
      },
      requestState: "opaque",
    }),
    texts: { sampling_request: [...asked, "What is the weather like?"] },
  },
  {
    title: "a client's answer to sampling",
    message: answer(sampled),
    texts: { sampling_result: ["It is 21.5 °C."] },
  },
  {
    title: "a client's answer to sampling that uses tools",
    message: answer({
      ...sampled,
      content: [useOfTool, { ...useOfTool, input: { city: "Graz" } }],
      stopReason: "toolUse",
    }),
    texts: { sampling_result: [{ city: "Wien" }, { city: "Graz" }] },
  },
  {
    title: "a call of 2026-07-28 that brings what was sampled",
    message: request("tools/call", {
      name: "get_weather",
      arguments: { city: "Wien" },
      inputResponses: { "a-1": sampled, "b-2": elicited, "c-3": { ...sampled, content: [useOfTool, image] } },
      requestState: "opaque",
    }),
    texts: { arguments: [{ city: "Wien" }], sampling_result: ["It is 21.5 °C.", { city: "Wien" }] },
  },
  {
    title: "an error",
    message: { jsonrpc: "2.0", id: 7, error: { code: -32602, message: report, data: { text: report } } },
    texts: {},
  },
  {
    title: "the answer to initialize",
    message: answer({
      protocolVersion: "2025-11-25",
      capabilities: {},
      serverInfo: { name: "s" },
      instructions: report,
    }),
    texts: {},
  },
];
