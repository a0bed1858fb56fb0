/** Every `mcp_stream_kind` with the ways in which such a stream can end; posts are in outcomes.test.ts. */
import { expect, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { useScenarios } from "./outcomes.ts";
import { flushed, readMetrics } from "./prometheus.ts";
import { exchange, leaveAfterFirstChunk } from "./raw-http.ts";

const scenarios = useScenarios();
const get = { accept: "text/event-stream", "mcp-session-id": "one" };

it("get: ended by the server", async () => {
  const url = scenarios.answering((response) =>
    response.writeHead(200, mcp.SSE_TYPE).end(mcp.event(mcp.notification("notifications/tools/list_changed"))),
  );
  const notifications = ["server_to_client notifications/tools/list_changed"];
  await scenarios.expect({ streams: ["get server_closed"], notifications }, () =>
    exchange(url, { method: "GET", headers: get }),
  );
  await scenarios.expect({ streams: ["get server_closed"], notifications }, () =>
    exchange(url, { method: "GET", headers: { accept: get.accept } }),
  );
});

it("get: closed by the client, without a message", async () => {
  const url = scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(": here\n\n"));
  await scenarios.expect({ streams: ["get client_closed"] }, () =>
    leaveAfterFirstChunk(url, { method: "GET", headers: get }),
  );
});

it("get: lost", async () => {
  const url = scenarios.answering((response) => {
    response.writeHead(200, mcp.SSE_TYPE).write(": here\n\n", () => response.destroy());
  });
  await scenarios.expect({ streams: ["get reset"] }, () => exchange(url, { method: "GET", headers: get }));
});

it.each([405, 409])("get: refused with %d is none", async (status) => {
  const url = scenarios.answering((response) =>
    response.writeHead(status, mcp.JSON_TYPE).end(mcp.failure(null, -32000)),
  );
  await scenarios.expect({ streams: [] }, () => exchange(url, { method: "GET", headers: get }));
});

const method = "subscriptions/listen";
const acknowledged = mcp.event(mcp.notification("notifications/subscriptions/acknowledged"));
const notifications = ["server_to_client notifications/subscriptions/acknowledged"];

it("listen: ended by the server with its answer", async () => {
  const url = scenarios.answering((response) =>
    response.writeHead(200, mcp.SSE_TYPE).end(acknowledged + mcp.event(mcp.result("listen:0", {}))),
  );
  await scenarios.expect({ outcome: "ok", method, notifications, streams: ["listen complete"] }, () =>
    exchange(url, { headers: mcp.MODERN, body: [mcp.request("listen:0", method)] }),
  );
});

it("listen: closed by the client", async () => {
  const url = scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(acknowledged));
  await scenarios.expect({ outcome: "cancelled", method, notifications, streams: ["listen client_closed"] }, () =>
    leaveAfterFirstChunk(url, { headers: mcp.MODERN, body: [mcp.request("listen:0", method)] }),
  );
});

it("DELETE is none", async () => {
  const url = scenarios.answering((response) => response.writeHead(200).end());
  await scenarios.expect({ streams: [] }, () => exchange(url, { method: "DELETE", headers: get }));
});

it("every stream has a duration, of the same kind and end", async () => {
  await flushed();
  const metrics = await readMetrics(scenarios.envoy);
  const values = (family: string) =>
    metrics.filter(({ name }) => name === family).map(({ labels, value }) => ({ labels, value }));
  const streams = values("mcp_streams_total");
  expect(streams).toHaveLength(5);
  const durations = values("mcp_stream_duration_milliseconds_count");
  expect(durations).toHaveLength(streams.length);
  expect(durations).toEqual(expect.arrayContaining(streams));
});
