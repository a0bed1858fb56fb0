/** MCP messages of an exact size, the same on each run: text as models and tools write it, and structured data. */

/** Prose with characters that JSON must escape or encode: quotes, line ends, tabs, letters beyond ASCII. */
const WORDS = (
  'The report says "revenue grew by 4 %", which the table below confirms.\n' +
  "Totals are in euro (\u20ac); see C:\\reports\\2026\\q3.xlsx for the raw numbers.\n\n" +
  "\t\u2013 Z\u00fcrich: 1 204 orders\n\t\u2013 S\u00e3o Paulo: 987 orders\n" +
  "Nothing else needs a follow-up, and no customer is affected by the change. "
).split(/(?<= )/);

const encodedSize = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

/** Text that takes exactly `size` bytes inside a JSON string. */
export function prose(size: number): string {
  const sizes = WORDS.map(encodedSize);
  const parts: string[] = [];
  let left = size;
  for (let word = 0; sizes[word] <= left; word = (word + 1) % WORDS.length) {
    parts.push(WORDS[word]);
    left -= sizes[word];
  }
  return parts.join("") + ".".repeat(left);
}

/** Rows of small values, about `size` bytes of JSON. */
export function rows(size: number): object[] {
  const list: object[] = [];
  for (let left = size; left > 0; left -= Buffer.byteLength(JSON.stringify(list.at(-1))) + 1) {
    const index = list.length;
    list.push({
      id: 1000 + index,
      name: `item-${index}`,
      price: index * 1.25,
      stock: index % 7,
      active: index % 3 > 0,
    });
  }
  return list;
}

/**
 * The JSON text of the object that `make` creates from a text. The text is chosen so that the result has exactly `size`
 * bytes.
 */
export function sized(size: number, make: (text: string) => object): string {
  const missing = size - Buffer.byteLength(JSON.stringify(make("")));
  if (missing < 0) throw new Error(`The message takes ${-missing} bytes more than the ${size} that it shall have.`);
  return JSON.stringify(make(prose(missing)));
}

/** A large message is half text and half structured data; a small one is only text. */
const rowsFor = (size: number): object[] => (size < 1024 ? [] : rows(size / 2));

/** A `tools/call` of exactly `size` bytes. */
export function toolCall(size: number, meta?: object): string {
  const items = rowsFor(size);
  return sized(size, (query) => ({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: TOOL,
      arguments: { query, ...(items.length > 0 && { items }) },
      ...(meta !== undefined && { _meta: meta }),
    },
  }));
}

/** The name of the called tool. */
export const TOOL = "search_documents";

/** The result of the tool call, of exactly `size` bytes. */
export function toolResult(size: number, members: object = {}): string {
  const items = rowsFor(size);
  return sized(size, (text) => ({
    jsonrpc: "2.0",
    id: 1,
    result: {
      ...members,
      content: [{ type: "text", text }],
      structuredContent: { total: items.length, items },
      isError: false,
    },
  }));
}

/** A notification of the progress of the call with progress token 1. */
export function progress(done: number, total: number): string {
  const params = { progressToken: 1, progress: done, total, message: `Searched part ${done} of ${total}` };
  return JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params });
}

/** A `tools/list`. */
export const LIST_CALL = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });

/** The result of a `tools/list` with `count` tools. */
export function toolList(count: number): string {
  const tools = Array.from({ length: count }, (_, index) => ({
    name: `tool_${index}`,
    title: `Tool number ${index}`,
    description: prose(180),
    inputSchema: {
      type: "object",
      properties: {
        query: { type: "string", description: "What to look for" },
        limit: { type: "integer", minimum: 1, maximum: 100, default: 10 },
        format: { type: "string", enum: ["text", "table", "json"] },
      },
      required: ["query"],
    },
    annotations: { readOnlyHint: index % 2 === 0, openWorldHint: false },
  }));
  return JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools } });
}

/** A message as an event. */
export function event(message: string): string {
  return `event: message\ndata: ${message}\n\n`;
}
