/** Every `mcp_outcome` of a request that gets no answer: who ended it, and how. */
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { post, TOOL, useScenarios } from "./outcomes.ts";
import { begin, headOf, leaveAfterFirstChunk } from "./raw-http.ts";
import { beginHttp2 } from "./raw-http2.ts";
import { bodyOf } from "./upstream.ts";

const scenarios = useScenarios();

describe("unanswered: the server ends the stream first", () => {
  it.each([
    ["an empty event stream", mcp.SSE_TYPE, ""],
    ["a stream with another's answer", mcp.SSE_TYPE, mcp.event(mcp.result(2))],
    ["a stream that ends within the event", mcp.SSE_TYPE, `data: ${mcp.result(1)}`],
    ["JSON with another's answer", mcp.JSON_TYPE, mcp.result("one")],
    ["plain text", { "content-type": "text/plain" }, "ok"],
  ])("%s", async (_what, type, body) => {
    await scenarios.expect({ outcome: "unanswered", streams: ["post server_closed"] }, () =>
      post(
        scenarios.answering((response) => response.writeHead(200, type).end(body)),
        200,
      ),
    );
  });
});

describe("upstream_error: the server is not there, or lost", () => {
  const lost = { outcome: "upstream_error", streams: ["post reset"] };

  it("reset before the headers", async () => {
    const url = scenarios.answering((response) => response.destroy());
    await scenarios.expect(lost, () => post(url, 503));
  });

  it.each([
    ["JSON", mcp.JSON_TYPE],
    ["events", mcp.SSE_TYPE],
  ])("reset after the headers of %s", async (_what, type) => {
    const url = scenarios.answering((response) => {
      response.writeHead(200, type).write(mcp.result(1).slice(0, 9), () => response.destroy());
    });
    await scenarios.expect(lost, async () => expect((await post(url, 200)).complete).toBe(false));
  });
});

describe("upstream_error: nobody listens", () => {
  const elsewhere = useScenarios({ upstream: { host: "127.0.0.1", port: 1 } });

  it("Envoy's 503", async () => {
    await elsewhere.expect({ outcome: "upstream_error", streams: ["post reset"] }, () =>
      post(`${elsewhere.envoy.proxyUrl}/mcp`, 503),
    );
  });
});

describe("upstream_error: a route's timeout ends the stream", () => {
  // The shipped route has none.
  const hasty = useScenarios({ vary: (config) => config.replace('"timeout": "0s"', '"timeout": "0.1s"') });
  const timedOut = { outcome: "upstream_error", streams: ["post timeout"] };

  it("before its headers: Envoy's 504", async () => {
    const url = hasty.answering(() => {});
    await hasty.expect(timedOut, () => post(url, 504));
  });

  it("after its headers", async () => {
    const url = hasty.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(": wait\n\n"));
    await hasty.expect(timedOut, async () => expect((await post(url, 200)).complete).toBe(false));
  });
});

describe("the client goes away before the answer", () => {
  it.each([
    ["disconnected", "2025-11-25", mcp.LEGACY],
    ["cancelled", "2026-07-28", mcp.MODERN],
  ])("%s in %s, before the headers and after", async (outcome, _revision, headers) => {
    const expected = { outcome, streams: ["post client_closed"] };
    await scenarios.expect(expected, async () => {
      let arrived: () => void;
      const arrival = new Promise<void>((resolve) => (arrived = resolve));
      const request = begin(
        scenarios.answering(() => arrived()),
        { headers, body: [mcp.toolCall(1, TOOL)] },
      );
      request.on("error", () => {});
      await arrival;
      request.destroy();
    });
    const url = scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(": wait\n\n"));
    await scenarios.expect(expected, () => leaveAfterFirstChunk(url, { headers, body: [mcp.toolCall(1, TOOL)] }));
  });

  it("disconnected: over HTTP/2, from a request whose end only its trailers tell", async () => {
    await scenarios.expect({ outcome: "disconnected", streams: ["post client_closed"] }, async () => {
      let arrived: () => void;
      const arrival = new Promise<void>((resolve) => (arrived = resolve));
      const { pathname } = new URL(scenarios.answering(() => arrived()));
      const { connection, stream } = beginHttp2(scenarios.envoy.proxyUrl, pathname, mcp.toolCall(1, TOOL));
      stream.on("error", () => {});
      await arrival;
      connection.destroy();
    });
  });

  it("cancelled where `_meta` alone tells that it is 2026-07-28", async () => {
    const meta = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
    const body = mcp.request(1, "tools/call", { name: TOOL, arguments: {}, ...meta });
    const url = scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(": wait\n\n"));
    // The headers are those of no revision, and lack all that this one wants.
    const mismatches = ["mcp-protocol-version", "mcp-method", "mcp-name"];
    await scenarios.expect({ outcome: "cancelled", streams: ["post client_closed"], mismatches }, () =>
      leaveAfterFirstChunk(url, { headers: { ...mcp.JSON_TYPE, accept: mcp.LEGACY.accept }, body: [body] }),
    );
  });
});

describe("`notifications/cancelled`", () => {
  const session = { ...mcp.LEGACY, "mcp-session-id": "one" };

  /** Calls, cancels the call `id` in a POST of its own, and lets the server end the call's stream with `last`. */
  async function cancel(id: number, headers: Record<string, string>, last: string): Promise<void> {
    let call: ServerResponse | undefined;
    const url = scenarios.answering((response) => (call = response.writeHead(200, mcp.SSE_TYPE)).flushHeaders());
    const started = await headOf(begin(url, { headers: session, body: [mcp.toolCall(7, TOOL)] }));
    const accepted = scenarios.answering((response) => response.writeHead(202).end());
    await post(accepted, 202, mcp.notification("notifications/cancelled", { requestId: id }), headers);
    call!.end(last);
    await bodyOf(started);
  }

  const notifications = ["client_to_server notifications/cancelled"];

  it("cancels the call that it names", async () => {
    await scenarios.expect({ outcome: "cancelled", notifications, streams: ["post complete", "post complete"] }, () =>
      cancel(7, session, ""),
    );
  });

  it("changes nothing where the answer comes all the same", async () => {
    await scenarios.expect({ outcome: "ok", notifications, streams: ["post complete", "post complete"] }, () =>
      cancel(7, session, mcp.event(mcp.result(7))),
    );
  });

  it("leaves another session's call and another id alone", async () => {
    const expected = { outcome: "unanswered", notifications, streams: ["post complete", "post server_closed"] };
    // The marks of the tests above are of session `one` and would be found.
    session["mcp-session-id"] = "two";
    await scenarios.expect(expected, () => cancel(7, { ...session, "mcp-session-id": "three" }, ""));
    await scenarios.expect(expected, () => cancel(8, session, ""));
  });
});
