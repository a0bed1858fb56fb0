/** Every `mcp_outcome` that a response's message or status decides. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { ofOutcomes, post, TOOL, useScenarios } from "./outcomes.ts";
import { countersOf, flushed, readMetrics } from "./prometheus.ts";
import { leaveAfterFirstChunk, type RawAnswer } from "./raw-http.ts";

const scenarios = useScenarios();

/** Calls where the server answers with this status, content-type and body. */
function callAnswered(status: number, type: Record<string, string>, body: string | Buffer): Promise<RawAnswer> {
  return post(
    scenarios.answering((response) => response.writeHead(status, type).end(body)),
    status,
  );
}

describe("an answer decides", () => {
  const results: [outcome: string, value: object][] = [
    ["ok", { content: [] }],
    ["ok", { resultType: "complete", content: [], isError: false }],
    ["tool_error", { content: [], isError: true }],
    ["input_required", { resultType: "input_required", inputRequests: {} }],
  ];

  it.each(results)("%s: %j, as JSON and as an event, alone and in a batch", async (outcome, value) => {
    const answer = mcp.result(1, value);
    for (const body of [answer, `[${mcp.result(2)},${answer}]`]) {
      await scenarios.expect({ outcome }, () => callAnswered(200, mcp.JSON_TYPE, body));
      await scenarios.expect({ outcome }, () => callAnswered(200, mcp.SSE_TYPE, mcp.event(body)));
    }
  });

  it.each<[where: string, (taskId: string) => object]>([
    ["a member of the result", (taskId) => ({ task: { taskId, status: "working" } })],
    ["the result itself", (taskId) => ({ resultType: "task", taskId, status: "working" })],
  ])("task_accepted: the task is %s, and each of its states counts once", async (where, accepted) => {
    const outcome = "task_accepted";
    const [first, second] = ["one", "two"].map((id) => mcp.result(1, accepted(`${id} ${where}`)));
    await scenarios.expect({ outcome, taskStates: ["working"] }, () => callAnswered(200, mcp.JSON_TYPE, first));
    await scenarios.expect({ outcome, taskStates: ["working"] }, () =>
      callAnswered(200, mcp.SSE_TYPE, mcp.event(second)),
    );
    await scenarios.expect({ outcome }, () => callAnswered(200, mcp.JSON_TYPE, first));
  });

  const codes: [code: number, label: string][] = [
    [-32700, "-32700"],
    [-32603, "-32603"],
    [-32022, "-32022"],
    [403, "403"],
    [-31999, "_OTHER"],
  ];

  it.each(codes)("rpc_error: code %d is labelled %s", async (code, label) => {
    await scenarios.expect({ outcome: `rpc_error ${label}` }, () =>
      callAnswered(200, mcp.JSON_TYPE, mcp.failure(1, code)),
    );
  });

  it.each([400, 404, 500])("rpc_error: in a JSON-RPC error under HTTP %d, be its id null", async (status) => {
    const expected = { outcome: "rpc_error -32601" };
    await scenarios.expect(expected, () => callAnswered(status, mcp.JSON_TYPE, mcp.failure(1, -32601)));
    await scenarios.expect(expected, () => callAnswered(status, mcp.JSON_TYPE, mcp.failure(null, -32601)));
  });

  it("whatever else comes before it on the stream", async () => {
    const progress = mcp.notification("notifications/progress", { progressToken: 1, progress: 1 });
    const body = [progress, mcp.request(1, "sampling/createMessage"), mcp.result("one"), mcp.failure(1, -32602)];
    await scenarios.expect(
      { outcome: "rpc_error -32602", notifications: ["server_to_client notifications/progress"], progress: 1 },
      () => callAnswered(200, mcp.SSE_TYPE, body.map(mcp.event).join("")),
    );
  });

  it("also where the client leaves after it", async () => {
    const url = scenarios.answering((response) =>
      response.writeHead(200, mcp.SSE_TYPE).write(mcp.event(mcp.result(1))),
    );
    await scenarios.expect({ outcome: "ok", streams: ["post client_closed"] }, () =>
      leaveAfterFirstChunk(url, { headers: mcp.LEGACY, body: [mcp.toolCall(1, TOOL)] }),
    );
  });
});

describe("without an answer, HTTP's status decides", () => {
  it.each([
    [401, "unauthenticated"],
    [400, "http_error"],
    [404, "http_error"],
    [302, "http_error"],
    [500, "upstream_error"],
    [503, "upstream_error"],
  ])("HTTP %d without a message: %s", async (status, outcome) => {
    await scenarios.expect({ outcome }, () => callAnswered(status, { "content-type": "text/plain" }, "no"));
    await scenarios.expect({ outcome }, () => callAnswered(status, mcp.JSON_TYPE, '{"error":"no"}'));
    await scenarios.expect({ outcome }, () => callAnswered(status, {}, ""));
  });
});

describe("an answer that cannot be read is undecoded", () => {
  const answer = mcp.result(1);

  it.each(["gzip", "br"])("compressed: %s", async (encoding) => {
    await scenarios.expect({ outcome: "undecoded", undecoded: ["compressed"] }, () =>
      callAnswered(200, { ...mcp.JSON_TYPE, "content-encoding": encoding }, gzipSync(answer)),
    );
  });

  it.each([
    ["syntax", "{jsonrpc}"],
    ["truncated", answer.slice(0, -1)],
    ["truncated", `[${answer.slice(0, -1)}`],
    ["not_jsonrpc", '{"result":{}}'],
    ["not_jsonrpc", `[[${answer}]]`],
    ["not_jsonrpc", "[]"],
    ["depth", `{"jsonrpc":"2.0","id":1,"result":${"[".repeat(100_000)}`],
  ])("%s, as JSON and as an event", async (reason, body) => {
    const expected = { outcome: "undecoded", undecoded: [reason] };
    await scenarios.expect(expected, () => callAnswered(200, mcp.JSON_TYPE, body));
    await scenarios.expect(expected, () => callAnswered(200, mcp.SSE_TYPE, mcp.event(body)));
  });
});

describe("a request that cannot be read is not an operation, but is reported if a header says that it is MCP", () => {
  const call = mcp.toolCall(1, TOOL);

  it.each([
    ["compressed", gzipSync(call), { "content-encoding": "gzip" }],
    ["syntax", "{jsonrpc}", {}],
    ["truncated", call.slice(0, -1), {}],
    ["truncated", `[${call.slice(0, -1)}`, {}],
    ["not_jsonrpc", "{}", {}],
    ["not_jsonrpc", `[[${call}]]`, {}],
    ["not_jsonrpc", "[]", {}],
  ])("%s", async (reason, body, more) => {
    const url = scenarios.answering((response) => response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1)));
    await scenarios.expect({ undecoded: [reason] }, () => post(url, 200, body, { ...mcp.LEGACY, ...more }));
    const plain = { ...mcp.JSON_TYPE, accept: mcp.LEGACY.accept };
    await scenarios.expect({ streams: [] }, () => post(url, 200, body, { ...plain, ...more }));
  });

  it("batch: those beyond the 64 that are kept", async () => {
    const calls = Array.from({ length: 66 }, (_, id) => mcp.toolCall(id, TOOL));
    const answers = calls.map((_, id) => mcp.result(id));
    const url = scenarios.answering((response) => response.writeHead(200, mcp.JSON_TYPE).end(`[${answers.join()}]`));
    await scenarios.expect({ outcome: "ok", times: 64, undecoded: ["batch", "batch"] }, () =>
      post(url, 200, `[${calls.join()}]`),
    );
  });
});

it("in the end nothing was counted twice, and all but task_accepted and listen have a duration", async () => {
  await flushed();
  const metrics = await readMetrics(scenarios.envoy);
  const { total } = scenarios;
  expect(countersOf(ofOutcomes(metrics))).toEqual(total);

  const errorTypes = new Map<string, number>();
  for (const { labels, value } of metrics.filter((each) => each.name === "mcp_operations_total")) {
    const { mcp_outcome: outcome = "", mcp_method_name: method } = labels;
    if (outcome === "task_accepted" || method === "subscriptions/listen") continue;
    const type = outcome === "ok" || outcome === "input_required" ? "" : outcome;
    const errorType = type === "" || type === "tool_error" || type === "rpc_error" ? type : "other";
    errorTypes.set(errorType, (errorTypes.get(errorType) ?? 0) + value);
  }
  const durations = metrics.filter((each) => each.name === "mcp_operation_duration_milliseconds_count");
  expect(new Map(durations.map(({ labels, value }) => [labels.error_type ?? "", value]))).toEqual(errorTypes);
});
