import { describe, expect, test } from "vitest";
import { tokensOf } from "../../../estimator.ts";
import type { Plugin } from "../../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  error,
  event,
  post,
  request,
  result,
  startWorkers,
} from "../filter.ts";
import { has } from "../matrix.ts";

/** A number of tools with long descriptions. */
const page = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    name: `${prefix}_${i}`,
    description: `The ${prefix} of the number ${i}`,
  }));
const cost = (tools: { name: string; description: string }[]) =>
  tokensOf(tools.flatMap(({ name, description }) => [name, description]));

interface Asked {
  readonly method?: string;
  readonly cursor?: string;
  /** The id of the session. */
  readonly id?: string;
  readonly cluster?: string;
  readonly path?: string;
  readonly address?: string;
}

/** Requests a page of a list. The answer has the cursor of the next page. */
function list(worker: Plugin, tools: object[], next?: unknown, asking: Asked = {}): void {
  const { method, cursor, id, cluster, path, address } = asking;
  const headers = { ...MCP_HEADERS, ...(id !== undefined && { "mcp-session-id": id }) };
  const properties = {
    ...(cluster !== undefined && { "xds.cluster_name": cluster }),
    ...(address !== undefined && { "source.address": address }),
  };
  const asked = request(method ?? "tools/list", { ...(cursor !== undefined && { cursor }) });
  post(worker, asked, result({ tools, nextCursor: next }), { headers, properties, path });
}

const gauges = (worker: Plugin) => countsBy(worker, "mcp_definition_tokens", "mcp_server", "mcp_method_name");
const gauge = (worker: Plugin) => gauges(worker)["tools tools/list"];

const LONG = page("tool", 30);
const SHORT = page("tool", 3);
const [FIRST, SECOND, THIRD] = [page("alpha", 10), page("beta", 7), page("gamma", 4)];

test("the cost of each kind of list, under its method", () => {
  const [worker] = startWorkers(1);
  const named = { name: "n", description: "It is described" };
  const argument = [{ name: "topic" }];
  const schema = { type: "object" };
  post(worker, request("tools/list"), result({ tools: [{ ...named, inputSchema: schema }] }));
  post(worker, request("prompts/list"), result({ prompts: [{ ...named, arguments: argument }] }));
  post(worker, request("resources/list"), result({ resources: [{ ...named, uri: "demo://n" }] }));
  post(worker, request("resources/templates/list"), {
    headers: SSE_ANSWER,
    body: event(result({ resourceTemplates: [{ ...named, uriTemplate: "demo://{n}" }] })),
  });
  expect(worker.vm.metrics.gauges("mcp_definition_tokens")).toEqual(
    Object.fromEntries(
      [
        ["tools/list", tokensOf(["n", "It is described", schema])],
        ["prompts/list", tokensOf(["n", "It is described", argument])],
        ["resources/list", tokensOf(["n", "It is described", "demo://n"])],
        ["resources/templates/list", tokensOf(["n", "It is described", "demo://{n}"])],
      ].map(([method, tokens]) => [
        `mcp_definition_tokens{mcp_method_name="${method}",mcp_role="server",mcp_server="tools"}`,
        tokens,
      ]),
    ),
  );
});

describe.each([1, 4])("pages, on %i workers", (count) => {
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test.each(["s", undefined])("add up when the last page has passed, in session %s", (id) => {
    const workers = startWorkers(count);
    list(on(workers, 0), FIRST, "p2", { id });
    list(on(workers, 1), SECOND, "p3", { id, cursor: "p2" });
    expect(gauges(workers[0])).toEqual({});
    list(on(workers, 2), THIRD, undefined, { id, cursor: "p3" });
    expect(gauge(workers[0])).toBe(cost(FIRST) + cost(SECOND) + cost(THIRD));
    expect(countsBy(workers[0], "mcp_tokens_total", "mcp_token_kind").definitions).toBe(gauge(workers[0]));
  });

  test("of two clients that alternate are not mixed", () => {
    const workers = startWorkers(count);
    list(on(workers, 0), FIRST, "next", { id: "a" });
    list(on(workers, 1), SECOND, "next", { id: "b" });
    list(on(workers, 2), THIRD, undefined, { id: "a", cursor: "next" });
    expect(gauge(workers[0])).toBe(cost(FIRST) + cost(THIRD));
    list(on(workers, 3), SHORT, undefined, { id: "b", cursor: "next" });
    expect(gauge(workers[0])).toBe(cost(SECOND) + cost(SHORT));
  });

  test("of two clients without sessions that read the same list are not mixed", () => {
    const workers = startWorkers(count);
    const read = (client: number, number: number) => {
      const [tools, next] = [
        [FIRST, "p2"],
        [SECOND, "p3"],
        [THIRD, undefined],
      ][number] as [typeof FIRST, string | undefined];
      const cursor = [undefined, "p2", "p3"][number];
      list(on(workers, client + number), tools, next, { cursor });
    };
    for (const [client, number] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 2],
      [1, 1],
      [1, 2],
    ])
      read(client, number);
    expect(gauge(workers[0])).toBe(cost(FIRST) + cost(SECOND) + cost(THIRD));
  });

  test.each([
    ["addresses", { address: "192.0.2.1:1" }, { address: "192.0.2.2:1" }],
    ["paths", { path: "/servers/wiki/mcp/" }, { path: "/servers/tracker/mcp/" }],
  ])("of clients without sessions at two %s do not mix", (_, one, two) => {
    const workers = startWorkers(count);
    list(on(workers, 0), FIRST, "next", one);
    list(on(workers, 1), SECOND, "next", two);
    list(on(workers, 2), THIRD, undefined, { ...one, cursor: "next" });
    expect(gauge(workers[0])).toBe(cost(FIRST) + cost(THIRD));
    list(on(workers, 3), SHORT, undefined, { ...two, cursor: "next" });
    expect(gauge(workers[0])).toBe(cost(SECOND) + cost(SHORT));
  });

  test.runIf(has("clusters"))("of two lists, or of two servers, are not mixed", () => {
    const workers = startWorkers(count);
    list(on(workers, 0), FIRST, "p2", { id: "a" });
    list(on(workers, 1), SECOND, "p2", { id: "a", method: "prompts/list" });
    list(on(workers, 2), THIRD, "p2", { id: "a", cluster: "other" });
    list(on(workers, 3), SHORT, undefined, { id: "a", cursor: "p2" });
    expect(gauges(workers[0])).toEqual({ "tools tools/list": cost(FIRST) + cost(SHORT) });
  });

  test("that were requested twice count once", () => {
    const workers = startWorkers(count);
    list(on(workers, 0), FIRST, "p2");
    list(on(workers, 1), SECOND, "p3", { cursor: "p2" });
    list(on(workers, 2), SECOND, "p3", { cursor: "p2" });
    list(on(workers, 3), THIRD, undefined, { cursor: "p3" });
    expect(gauge(workers[0])).toBe(cost(FIRST) + cost(SECOND) + cost(THIRD));
  });

  test("of a changed list that is read again count from its new first page", () => {
    const workers = startWorkers(count);
    list(on(workers, 0), LONG, "p2");
    list(on(workers, 1), SHORT, "p2");
    list(on(workers, 2), THIRD, undefined, { cursor: "p2" });
    expect(gauge(workers[0])).toBe(cost(SHORT) + cost(THIRD));
  });

  test("without their first pages record nothing, and do not change the gauge", () => {
    const workers = startWorkers(count);
    list(on(workers, 0), SECOND, "p3", { cursor: "p2" });
    list(on(workers, 1), THIRD, undefined, { cursor: "p3" });
    expect(gauges(workers[0])).toEqual({});
    list(on(workers, 2), LONG);
    list(on(workers, 3), THIRD, undefined, { cursor: "p3" });
    expect(gauge(workers[0])).toBe(cost(LONG));
  });
});

test("a shorter list lowers the gauge, an empty one clears it", () => {
  const workers = startWorkers(2);
  list(workers[0], LONG);
  expect(gauge(workers[0])).toBe(cost(LONG));
  list(workers[1], SHORT);
  expect(gauge(workers[0])).toBe(cost(SHORT));
  list(workers[1], FIRST, "p2");
  expect(gauge(workers[0])).toBe(cost(SHORT));
  list(workers[0], [], undefined, { cursor: "p2" });
  expect(gauge(workers[0])).toBe(cost(FIRST));
  list(workers[0], []);
  expect(gauge(workers[0])).toBe(0);
});

test.each([null, undefined, 7])("nextCursor: %s is the end of the list", (next) => {
  const [worker] = startWorkers(1);
  list(worker, LONG, next);
  expect(gauge(worker)).toBe(cost(LONG));
});

test("an answer that is not a list does not change the gauge", () => {
  const [worker] = startWorkers(1);
  list(worker, LONG);
  post(worker, request("tools/list"), error(-32603));
  post(worker, request("tools/list"), { status: 401 });
  post(worker, request("tools/list"), { headers: JSON_ANSWER, body: result({ tools: SHORT }, 2) });
  post(worker, request("tools/list"), { headers: SSE_ANSWER, body: event(result({ tools: SHORT })).slice(0, 40) });
  list(worker, SHORT, undefined, { method: "tools/call" });
  expect(gauges(worker)).toEqual({ "tools tools/list": cost(LONG) });
});

test.runIf(has("hostCalls"))("the state of unfinished lists is bounded", () => {
  const [worker] = startWorkers(1);
  for (let i = 0; i < 20_000; i++) list(worker, SHORT, `next-${i}`, { id: `s${i % 100}` });
  const { sharedData } = worker.vm;
  const kept = sharedData.keys().filter((key) => key.includes("/lists/"));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(256);
  // 32 of 16 bytes each.
  for (const key of kept) expect(sharedData.get(key)!.bytes.length).toBeLessThanOrEqual(512);
  // The newest lists are among them.
  list(worker, FIRST, undefined, { id: "s99", cursor: "next-19999" });
  expect(gauge(worker)).toBe(cost(SHORT) + cost(FIRST));
});
