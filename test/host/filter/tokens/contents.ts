/** Contents of MCP's messages, some with text and some without. */

/** Base64 data of images and binary resources: longer than the texts of any test. */
const BASE64 = Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i * 7919) & 255)).toString("base64");

export const text = (value: string) => ({ type: "text", text: value });
export const embedded = (value: string) => ({ type: "resource", resource: { uri: "demo://embedded", text: value } });
export const image = { type: "image", data: BASE64, mimeType: "image/png" };
export const blob = { uri: "demo://blob", mimeType: "application/octet-stream", blob: BASE64 };

/** The params of a sampling request with every form of content, and the texts in them. */
export const SAMPLING = {
  systemPrompt: "You answer in one sentence.",
  messages: [
    { role: "user", content: text("What is the weather in Oslo?") },
    { role: "user", content: image },
    { role: "assistant", content: [{ type: "tool_use", id: "1", name: "get_weather", input: { city: "Oslo" } }] },
    { role: "user", content: [{ type: "tool_result", toolUseId: "1", content: [text("Sunny, 21 degrees")] }] },
  ],
  tools: [{ name: "get_weather", description: "Tells the weather", inputSchema: { type: "object" } }],
  modelPreferences: { hints: [{ name: "not counted" }] },
  maxTokens: 100,
};
export const SAMPLING_TEXTS = [
  "You answer in one sentence.",
  "What is the weather in Oslo?",
  { city: "Oslo" },
  "Sunny, 21 degrees",
  "get_weather",
  "Tells the weather",
  { type: "object" },
];
