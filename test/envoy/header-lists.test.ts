/** Headers of two lines, and the lists that a client or proxy makes of them (RFC 9110, section 5.3). */
import { describe, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { post, TOOL, useScenarios } from "./outcomes.ts";
import { exchange } from "./raw-http.ts";

const scenarios = useScenarios();
const REVISION = "2026-07-28";
const meta = { "io.modelcontextprotocol/protocolVersion": REVISION };
const call = mcp.request(1, "tools/call", { name: TOOL, arguments: {}, _meta: meta });
const answered = () =>
  scenarios.answering((response) =>
    response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1, { resultType: "complete" })),
  );

describe("headers that come twice", () => {
  const values = { "mcp-protocol-version": REVISION, "mcp-method": "tools/call", "mcp-name": TOOL };
  const twice = (each: (value: string) => string | string[]) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, each(value)]));

  it.each([
    ["as lines", (value: string) => [value, value]],
    ["as a list", (value: string) => `${value}, ${value}`],
    ["as a list without blanks", (value: string) => `${value},${value}`],
  ] as const)("%s agree with the body", async (_, each) => {
    await scenarios.expect({ outcome: "ok" }, () =>
      exchange(answered(), { headers: { ...mcp.MODERN, ...twice(each) }, body: [call] }),
    );
  });

  it("and differ do not", async () => {
    const headers = { ...mcp.MODERN, ...twice((value) => `${value}, x`) };
    const mismatches = ["mcp-protocol-version", "mcp-method", "mcp-name"];
    await scenarios.expect({ outcome: "ok", mismatches }, () => post(answered(), 200, call, headers));
  });
});
