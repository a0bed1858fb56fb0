/** Requests the tools of a running server. */
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { z } from "zod";

/** Maximum number of pages and tools, so that a server with endless pages cannot block the command. */
const PAGE_LIMIT = 1000;
const TOOL_LIMIT = 10_000;
/** Timeout in milliseconds for an answer over Streamable HTTP. Some HTTP+SSE servers never give one. */
const CONNECT_MS = 10_000;

/** A definition as the server wrote it, including members that the SDK does not know. */
export interface Definition {
  readonly name: string;
  readonly title?: unknown;
  readonly description?: unknown;
}

const PAGE = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string() })),
  nextCursor: z.string().optional(),
});

/** The definitions of all tools of a server, on all pages, over Streamable HTTP, otherwise HTTP+SSE. */
export async function listTools(url: URL, headers: Record<string, string>): Promise<Definition[]> {
  const client = await connect(url, headers);
  try {
    const tools: Definition[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGE_LIMIT; page++) {
      const found = await client.request(
        { method: "tools/list", params: cursor === undefined ? {} : { cursor } },
        PAGE,
      );
      tools.push(...found.tools);
      cursor = found.nextCursor;
      if (cursor === undefined) return tools;
      if (tools.length > TOOL_LIMIT) break;
    }
    throw new Error("the list of tools does not end");
  } finally {
    await client.close();
  }
}

async function connect(url: URL, headers: Record<string, string>): Promise<Client> {
  const create = () =>
    new Client(
      { name: "mcp-proxy-wasm-pins", version: "1.0.0" },
      { versionNegotiation: { mode: "auto", probe: { timeoutMs: CONNECT_MS } } },
    );
  const options = { requestInit: { headers } };
  const client = create();
  try {
    await client.connect(new StreamableHTTPClientTransport(url, options), { timeout: CONNECT_MS });
    return client;
  } catch (error) {
    await client.close();
    const older = create();
    try {
      await older.connect(new SSEClientTransport(url, options));
      return older;
    } catch {
      await older.close();
      // Most servers speak Streamable HTTP, so its error is more useful.
      throw error;
    }
  }
}
