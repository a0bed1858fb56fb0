/** Tests what limits admit and how they reply. */
import { describe, expect, test } from "vitest";
import { batch, countsBy, notification, request, result, toolCall } from "./filter.ts";
import { rewritten } from "./access.ts";
import { admitted, ask, startLimited } from "./limits.ts";

const CALLS = { name: "calls", key: [], requests: { amount: 3, per: "1m" } };

describe("a rule with requests", () => {
  test("admits its burst, and replies to further requests with the rule and a delay", () => {
    const plugin = startLimited([CALLS]);
    expect(admitted(plugin, 3, toolCall("echo"))).toBe(3);
    expect(ask(plugin, toolCall("echo", "x")).reply).toEqual({
      status: 200,
      details: "mcp_limited[calls]",
      headers: { "retry-after": "24" },
      body: {
        jsonrpc: "2.0",
        id: "x",
        error: {
          code: 429,
          message: "Limited: at most 3 requests in 1 minute (rule calls)",
          data: { rule: "calls", scope: "requests", limit: 3, retryAfterMs: 24_000, retryAfterSeconds: 24 },
        },
      },
    });
  });

  test("refills with time", () => {
    const plugin = startLimited([CALLS]);
    expect(admitted(plugin, 9, toolCall("echo"))).toBe(3);
    plugin.vm.clock.advance(20_000);
    expect(admitted(plugin, 9, toolCall("echo"))).toBe(1);
    plugin.vm.clock.advance(600_000);
    expect(admitted(plugin, 9, toolCall("echo"))).toBe(3);
  });

  test("counts only operations: no handshake, no notification, no response", () => {
    const plugin = startLimited([CALLS]);
    expect(admitted(plugin, 9, request("initialize", {}))).toBe(9);
    expect(admitted(plugin, 9, request("ping"))).toBe(9);
    expect(admitted(plugin, 9, request("server/discover"))).toBe(9);
    expect(admitted(plugin, 9, request("tasks/cancel", { taskId: "t" }))).toBe(9);
    expect(admitted(plugin, 9, notification("notifications/progress"), { response: { status: 202 } })).toBe(9);
    expect(admitted(plugin, 9, result(), { response: { status: 202 } })).toBe(9);
    expect(admitted(plugin, 9, toolCall("echo"))).toBe(3);
  });

  test("rejects only the messages of a batch for which it has no room", () => {
    const plugin = startLimited([CALLS]);
    expect(admitted(plugin, 1, toolCall("echo"))).toBe(1);
    const all = [toolCall("echo", 1), toolCall("echo", 2), toolCall("echo", 3), request("tools/list", {}, 4)];
    const { reply, stream } = ask(plugin, batch(...all));
    expect(reply).toBeUndefined();
    expect(stream.passedRequest).toBe(batch(all[0], all[1], rewritten(all[2]), rewritten(all[3])));
    expect(admitted(plugin, 9, toolCall("echo"))).toBe(0);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toMatchObject({ limited: 11 });
  });

  test("takes nothing for a message that another rule rejects", () => {
    const one = { name: "one", key: [], requests: { amount: 1, per: "1m" }, to: [{ operation: { tools: ["a"] } }] };
    const plugin = startLimited([CALLS, one]);
    const all = [toolCall("a", 1), toolCall("a", 2), toolCall("a", 3)];
    expect(ask(plugin, batch(...all)).stream.passedRequest).toBe(batch(all[0], rewritten(all[1]), rewritten(all[2])));
    // One of three calls per minute was taken.
    expect(admitted(plugin, 9, toolCall("echo"))).toBe(2);
  });

  test("shows when there is room for each message of a batch", () => {
    const plugin = startLimited([CALLS]);
    expect(admitted(plugin, 3, toolCall("echo"))).toBe(3);
    const asked = batch(toolCall("echo", 1), toolCall("echo", 2), toolCall("echo", 3));
    const { reply } = ask(plugin, asked);
    // A minute, plus the rounding of times.
    expect(reply?.headers["retry-after"]).toBe("60");
    plugin.vm.clock.advance(60_000);
    expect(ask(plugin, asked).reply).toBeUndefined();
  });

  test("is counted by its decisions, and operations have the outcome limited", () => {
    const plugin = startLimited([CALLS]);
    admitted(plugin, 5, toolCall("echo"));
    expect(countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision")).toEqual({
      "calls admitted": 3,
      "calls limited": 2,
    });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 3, limited: 2 });
  });
});
