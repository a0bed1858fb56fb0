/** Tests repeated lists on a worker, which does not read them again: all counts are the same as if it did. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cut } from "../../unit/chunks.ts";
import { itHolds } from "../../unit/property.ts";
import type { Plugin } from "../../../scripts/host/index.ts";
import { openStream, send } from "./http-sse.ts";
import { guarded, tools } from "./access.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
} from "./filter.ts";

const METHODS = {
  "tools/list": "tools",
  "prompts/list": "prompts",
  "resources/list": "resources",
  "resources/templates/list": "resourceTemplates",
} as const;
type Method = keyof typeof METHODS;

/** Long enough for a list to be stored. */
const LONG = "It does what its name says, and returns what came of it. ".repeat(10);
const NAMES = ["echo", "add", "sub", "mul", "é☃", "n".repeat(130), ""];

/** A response of a server, and how it arrives. */
interface Listed {
  method: Method;
  /** The definitions, each as one text. */
  definitions: string[];
  id: number | string;
  /** Which alternative to the first definition is present, and where it differs. */
  first: string;
  cursor: string | undefined;
  next: string | undefined;
  /** Members of the result before and after the list. */
  before: string;
  behind: string;
  isEvent: boolean;
  /** The number of bytes missing at the end of the body. */
  missing: number;
  chunk: number;
  cluster: string;
  session: string | undefined;
}

const definition = fc
  .record(
    {
      name: fc.constantFrom(...NAMES),
      description: fc.constantFrom("does it", "does something else", LONG),
      inputSchema: fc.constantFrom<object>(
        { type: "object" },
        { type: "object", properties: { a: { type: "string" } } },
      ),
      arguments: fc.constant([{ name: "topic" }]),
      uri: fc.constantFrom("demo://a", "demo://b"),
    },
    { requiredKeys: ["name"] },
  )
  .map((value) => JSON.stringify(value));

/** A few lists and their variants, repeated many times. */
const answers: fc.Arbitrary<Listed[]> = fc
  .array(fc.array(definition, { maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .chain((lists) =>
    fc.array(
      fc.record<Listed>({
        method: fc.constantFrom<Method>("tools/list", "tools/list", ...(Object.keys(METHODS) as Method[])),
        definitions: fc.constantFrom(...lists),
        id: fc.constantFrom<number | string>(1, 77_777, "id"),
        first: fc.constantFrom("a", "a", "a", "b", "bb"),
        cursor: fc.constantFrom(undefined, undefined, "p1"),
        next: fc.constantFrom(undefined, undefined, "p1"),
        before: fc.constantFrom("", "", '"_meta":{"tools":[1]},', '"content":[{"text":"none"}],', '"tools":[],'),
        behind: fc.constantFrom("", "", ',"ttlMs":1', ',"tools":[{"name":"late"}]'),
        isEvent: fc.boolean(),
        missing: fc.constantFrom(0, 0, 0, 0, 1, 2, 40),
        chunk: fc.constantFrom(20, 300, 100_000),
        cluster: fc.constantFrom("one", "two"),
        session: fc.constantFrom(undefined, "s1"),
      }),
      { minLength: 2, maxLength: 8 },
    ),
  );

function bodyOf({ method, definitions, id, first, next, before, behind, isEvent, missing }: Listed): string {
  const list = [JSON.stringify({ name: "first", description: first + LONG }), ...definitions].join(",");
  const cursor = next === undefined ? "" : `,"nextCursor":"${next}"`;
  const result = `{${before}"${METHODS[method]}":[${list}]${cursor}${behind}}`;
  const text = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
  const body = isEvent ? `id: 1\ndata: ${text}\n\n` : text;
  return body.slice(0, body.length - missing);
}

function answer(worker: Plugin, listed: Listed): void {
  const { method, id, cursor, isEvent, chunk, cluster, session } = listed;
  const headers = { ...MCP_HEADERS, ...(session !== undefined && { "mcp-session-id": session }) };
  post(
    worker,
    request(method, cursor === undefined ? {} : { cursor }, id),
    { headers: isEvent ? SSE_ANSWER : JSON_ANSWER, body: cut(Buffer.from(bodyOf(listed)), [chunk]) },
    { headers, properties: { "xds.cluster_name": cluster } },
  );
}

/** All metrics after one worker, or a new one for each response, has passed all of them. */
function metricsAfter(answers: readonly Listed[], isFresh: boolean, configuration: object): object {
  const workers = startWorkers(isFresh ? answers.length : 1, { configuration });
  answers.forEach((listed, i) => answer(workers[isFresh ? i : 0], listed));
  passSeconds(workers, 6);
  const { metrics } = workers[0].vm;
  return { counters: metrics.counters(), gauges: metrics.gauges(), histograms: metrics.histograms() };
}

describe.each([
  ["by default", {}, 100],
  ["without tokens", { tokens: { estimate: false } }, 40],
  ["where few bytes are read exactly", { tokens: { maxBytes: 700 } }, 40],
  ["where few names have labels", { labels: { maxTools: 2 } }, 40],
  ["where lists are filtered", guarded({ defaultAction: "ALLOW", rules: [tools("DENY", "no-add", "add")] }), 40],
])("%s", (_name, configuration, runs) => {
  itHolds(
    "lists that come again, the same or others, are counted as by workers that read each of them",
    runs,
    fc.property(answers, (all) => {
      expect(metricsAfter(all, false, configuration)).toEqual(metricsAfter(all, true, configuration));
    }),
  );
});

const tool = (name: string, description = LONG) => ({ name, description, inputSchema: { type: "object" } });
const list = (worker: Plugin, ...tools: object[]) => post(worker, request("tools/list"), result({ tools }));
const changes = (worker: Plugin) =>
  countsBy(worker, "mcp_tool_definition_changes_total", "gen_ai_tool_name", "mcp_change");

test("an unchanged list on this worker has changed if another worker has seen a different one since", () => {
  const [one, other] = startWorkers(2);
  list(one, tool("echo"));
  list(other, tool("echo", "new"), tool("add"));
  expect(changes(one)).toEqual({ "echo changed": 1, "add added": 1 });
  list(one, tool("echo"));
  expect(changes(one)).toEqual({ "echo changed": 2, "add added": 1, "add removed": 1 });
  list(one, tool("echo"));
  list(other, tool("echo"));
  expect(changes(one)).toEqual({ "echo changed": 2, "add added": 1, "add removed": 1 });
});

test("repeated pages are one list", () => {
  const [worker] = startWorkers(1);
  const pages = () => {
    post(worker, request("tools/list"), result({ tools: [tool("echo")], nextCursor: "2" }));
    post(worker, request("tools/list", { cursor: "2" }), result({ tools: [tool("add")] }));
    return worker.vm.metrics.gauge("mcp_definition_tokens");
  };
  expect(pages()).toBe(pages());
  list(worker, tool("echo"), tool("add"));
  expect(changes(worker)).toEqual({});
});

test("a list that repeats on the HTTP+SSE stream is counted like the first one", () => {
  const [worker] = startWorkers(1);
  const get = openStream(worker);
  const counts = Array.from({ length: 3 }, (_, id) => {
    send(worker, request("tools/list", {}, id));
    get.send(result({ tools: [tool("echo")] }, id));
    const { metrics } = worker.vm;
    return [metrics.gauge("mcp_definition_tokens"), metrics.counter("mcp_tokens_total") / (id + 1)];
  });
  expect(counts[1]).toEqual(counts[0]);
  expect(counts[2]).toEqual(counts[0]);
  expect(counts[0][0]).toBeGreaterThan(100);
});
