/** What agents do with tools, on four workers: lists that change, tools that do not exist, tasks, with envoy.yaml's labels. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { post, TOOL, useScenarios } from "./outcomes.ts";
import { added, type Counts, countersOf, flushed, readMetrics, series } from "./prometheus.ts";

const scenarios = useScenarios({ concurrency: 4 });
const TASK_MS = 600;

/** A server, at a path of its own. */
class Server {
  #url: string | undefined;
  #answer = "";

  /** Posts a message, on a connection and so a worker of its own, that is answered with this result. */
  async ask(
    method: string,
    params: object,
    value: object,
    headers: Record<string, string> = mcp.LEGACY,
  ): Promise<void> {
    this.#url ??= scenarios.answering((response) => response.writeHead(200, mcp.JSON_TYPE).end(this.#answer));
    this.#answer = mcp.result(1, value);
    await post(this.#url, 200, mcp.request(1, method, params), headers);
  }

  readonly list = (...tools: object[]) => this.ask("tools/list", {}, { tools });
}

/** Like {@link Server.ask}, of a server that nothing else asks. */
const ask = (method: string, params: object, value: object, headers?: Record<string, string>) =>
  new Server().ask(method, params, value, headers);

/** What a scenario adds to the families of this name. */
async function adding(name: string, scenario: () => Promise<unknown>, expected: Counts): Promise<void> {
  const counters = async () => {
    const metrics = await readMetrics(scenarios.envoy);
    return countersOf(metrics.filter((metric) => metric.name === name));
  };
  const before = await counters();
  await scenario();
  await expect.poll(async () => added(before, await counters()), { timeout: 5000 }).toEqual(expected);
}

it("tools that were added, changed and removed between two lists", async () => {
  const family = "mcp_tool_definition_changes_total";
  const changed = (tool: string, mcp_change: string) => series(family, { gen_ai_tool_name: tool, mcp_change });
  const { list } = new Server();
  const [one, two, three] = ["one", "two", "three"].map((name) => ({ name, description: name }));
  await adding(family, () => list(one, two), {});
  await adding(family, () => list(two, one), {});
  await adding(family, () => list({ ...one, description: "Another" }, three), {
    [changed("one", "changed")]: 1,
    [changed("two", "removed")]: 1,
    [changed("three", "added")]: 1,
  });
});

it("named servers under one upstream: each has lists and tools of its own", async () => {
  const [wiki, tracker] = [new Server(), new Server()];
  const search = (description: string) => ({ name: "search", description });
  const changes = "mcp_tool_definition_changes_total";
  const listAll = async () => {
    for (let i = 0; i < 3; i++) {
      await wiki.list(search("the wiki"), { name: "edit" });
      await tracker.list(search("issues"), { name: "close" });
    }
  };
  await adding(changes, listAll, {});
  const changed = series(changes, { gen_ai_tool_name: "search", mcp_change: "changed" });
  await adding(changes, () => tracker.list(search("issues, and your mail"), { name: "close" }), { [changed]: 1 });
  const unknown = "mcp_unknown_tool_calls_total";
  const edit = (server: Server) => server.ask("tools/call", { name: "edit" }, { content: [], isError: true });
  await adding(unknown, () => edit(wiki), {});
  await adding(unknown, () => edit(tracker), { [series(unknown, {})]: 1 });
});

it("failed calls of tools that the list lacks", async () => {
  const family = "mcp_unknown_tool_calls_total";
  const server = new Server();
  const call = (name: string, isError: boolean) =>
    server.ask("tools/call", { name, arguments: { isError } }, { content: [], isError });
  await server.list({ name: TOOL });
  await adding(family, () => call(TOOL, true), {});
  await adding(family, () => call("elsewhere", false), {});
  await adding(family, () => call("elsewhere", true), { [series(family, {})]: 1 });
});

it("calls that repeat another of their session, on any worker", async () => {
  const family = "mcp_repeated_calls_total";
  const call = (session: string, query: string) => {
    const headers = { ...mcp.LEGACY, "mcp-session-id": session };
    return ask("tools/call", { name: TOOL, arguments: { query } }, { content: [] }, headers);
  };
  const calls = () =>
    Promise.all(Array.from({ length: 20 }, () => [call("one", "a"), call("two", "a"), call("two", "b")]).flat());
  await adding(family, calls, { [series(family, { gen_ai_tool_name: TOOL })]: 3 * 19 });
});

it("progress: of the tool that is called, and of none where it is a prompt that is asked for", async () => {
  const family = "mcp_progress_total";
  const progress = mcp.event(mcp.notification("notifications/progress", { progressToken: 1, progress: 1 }));
  const answer = progress + progress + mcp.event(mcp.result(1));
  const ask = (method: string) =>
    post(
      scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).end(answer)),
      200,
      mcp.request(1, method, { name: TOOL }),
    );
  await adding(family, () => ask("tools/call"), { [series(family, { gen_ai_tool_name: TOOL })]: 2 });
  await adding(family, () => ask("prompts/get"), { [series(family, {})]: 2 });
});

it("a task's states, each once, and its duration in buckets of its own", async () => {
  const family = "mcp_tasks_total";
  const entered = (mcp_task_state: string) => series(family, { gen_ai_tool_name: TOOL, mcp_task_state });
  const tell = (status: string) => ask("tasks/get", { taskId: "t" }, { taskId: "t", status });
  const task = async () => {
    await ask("tools/call", { name: TOOL }, { task: { taskId: "t", status: "working" } });
    for (const status of ["working", "input_required", "working"]) await tell(status);
    await sleep(TASK_MS);
    await Promise.all(Array.from({ length: 8 }, () => tell("completed")));
  };
  await adding(family, task, { [entered("working")]: 2, [entered("input_required")]: 1, [entered("completed")]: 1 });

  await flushed();
  const buckets = (await readMetrics(scenarios.envoy)).filter(
    ({ name }) => name === "mcp_task_duration_milliseconds_bucket",
  );
  const [{ labels }] = buckets;
  expect(labels).toMatchObject({ gen_ai_tool_name: TOOL, mcp_task_state: "completed" });
  const bound = (le: string) => buckets.find((bucket) => bucket.labels.le === le)?.value;
  expect([bound("500"), bound("5000"), bound("86400000")]).toEqual([0, 1, 1]);
});

it("headers that say something else than the body", async () => {
  const family = "mcp_header_mismatch_total";
  const differs = (mcp_header: string) => series(family, { mcp_header });
  const meta = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
  const headers = { ...mcp.MODERN, "mcp-method": "tools/call", "mcp-name": TOOL };
  const call = (more: Record<string, string>) =>
    ask("tools/call", { name: TOOL, arguments: { city: "Oslo" }, ...meta }, { content: [] }, { ...headers, ...more });
  await adding(family, () => call({ "mcp-param-city": "Oslo" }), {});
  await adding(family, () => call({ "mcp-method": "tools/list" }), { [differs("mcp-method")]: 1 });
  await adding(family, () => call({ "mcp-name": "other" }), { [differs("mcp-name")]: 1 });
  await adding(family, () => call({ "mcp-param-city": "Rome" }), { [differs("mcp-param")]: 1 });
  await adding(family, () => call({ "mcp-protocol-version": "2025-11-25" }), { [differs("mcp-protocol-version")]: 1 });
});
