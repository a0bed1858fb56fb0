/** Requests that two stages decide: the access policy, and behind it one of modules/staged.ts. */
import { describe, expect, test } from "vitest";
import { modulePath } from "../../modules.ts";
import {
  type HttpStream,
  loadModule,
  type Plugin,
  requestHead,
  responseHead,
  Vm,
} from "../../../scripts/host/index.ts";
import { countsBy, MCP_HEADERS, result, toolCall } from "./filter.ts";
import { type Asking, ask, deniedBy, guarded, principals, replyOf, tools } from "./access.ts";

const NO_RM = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")] };
/** A policy that decides by the head alone: it holds nothing that it allows. */
const OPEN = { rules: [principals("ALLOW", "all", "spiffe://a/*")] };
const me = { properties: { "connection.uri_san_peer_certificate": "spiffe://a/me" } };

const passOn = (address: number) => address;
const rtrace = {
  ...{ oninit: passOn, onalloc: passOn, onresize: passOn, onmove: passOn, onfree: passOn },
  ...{ onvisit: () => 1, oncollect: passOn, onstore: passOn, onload: passOn },
};

function start(access?: object, allowHeadersStop = false): Plugin {
  const vm = new Vm(loadModule(modulePath("test/host/filter/modules/staged.ts")), { imports: { rtrace } });
  const configuration = access === undefined ? {} : guarded(access);
  return vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration, allowHeadersStop });
}

/** Asks, and tells what the second stage was asked meanwhile. */
function askBoth(plugin: Plugin, stage: string, body: string | string[], asking: Asking = {}) {
  plugin.vm.logs.length = 0;
  const { actions, reply } = ask(plugin, body, { ...me, ...asking, path: `/mcp?stage=${stage}` });
  return { details: reply?.details, status: reply?.status, actions, asked: askedOf(plugin) };
}

function askedOf(plugin: Plugin): string[] {
  const prefix = "stage: ";
  const lines = plugin.vm.logs.filter(({ message }) => message.startsWith(prefix));
  return lines.map(({ message }) => message.slice(prefix.length));
}

const size = (body: string) => Buffer.byteLength(body);
const decisions = (plugin: Plugin) =>
  countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action");

describe("a request that both stages hold", () => {
  test("goes on, as it came, once both let it pass", () => {
    const plugin = start(NO_RM);
    const body = toolCall("echo");
    const { stream } = ask(plugin, body, { ...me, path: "/mcp?stage=hold" });
    expect(stream.passedRequest).toBe(body);
    expect(askBoth(plugin, "hold", body)).toEqual({
      details: undefined,
      status: undefined,
      actions: [0, 1, 0, 0, 0, 0],
      asked: ["begin", `grow ${size(body)}`, `grow ${size(body)}`, `conclude ${size(body)}`, "close"],
    });
    expect(decisions(plugin)).toEqual({ "_default allow": 2 });
    expect(plugin.vm.metrics.counter("mcp_operations_total", { mcp_outcome: "ok" })).toBe(2);
  });

  test("is denied by the policy, which is asked first", () => {
    const plugin = start(NO_RM);
    const { details, asked } = askBoth(plugin, "hold", toolCall("rm", "teapot"));
    expect(details).toBe("mcp_access_denied[no-rm]");
    expect(asked.some((event) => event.startsWith("conclude"))).toBe(false);
    expect(asked.at(-1)).toBe("close");
  });

  test("is answered by the second stage where only that one does, and counted as denied", () => {
    const plugin = start(NO_RM);
    const answer = askBoth(plugin, "hold", toolCall("teapot"));
    expect(answer).toMatchObject({ details: "stage_teapot", status: 418, actions: [0, 1, 1] });
    expect(decisions(plugin)).toEqual({ "_default allow": 1 });
    expect(plugin.vm.metrics.counter("mcp_operations_total", { mcp_outcome: "denied" })).toBe(1);
  });

  test("is answered while it grows", () => {
    const plugin = start(NO_RM);
    const pieces = toolCall("x".repeat(3000)).match(/.{1,1500}/g)!;
    const answer = askBoth(plugin, "hold", pieces);
    expect(answer).toMatchObject({ details: "stage_too_large", actions: [0, 1, 1] });
    expect(answer.asked).toEqual(["begin", "grow 1500", "grow 3000", "close"]);
  });

  test("and that breaks off is forgotten by both", () => {
    const plugin = start(NO_RM);
    const run = (times: number) => {
      for (let i = 0; i < times; i++) {
        const stream = plugin.stream(me.properties);
        stream.requestHeaders(requestHead({ path: "/mcp?stage=hold", headers: MCP_HEADERS }));
        stream.requestBody(Buffer.from(toolCall("rm").slice(0, 30)));
        stream.reset("client");
        // Log lines are garbage until ticks have it collected.
        if (i % 10 === 0) plugin.tick();
      }
    };
    run(1000);
    const pages = plugin.vm.memoryPages();
    run(5000);
    expect(plugin.vm.memoryPages()).toBe(pages);
    expect(askedOf(plugin).filter((event) => event === "close")).toHaveLength(6000);
  });
});

describe("a request that one stage holds", () => {
  test("the second one, while the policy reads what passes", () => {
    const plugin = start(OPEN);
    const body = toolCall("echo");
    expect(askBoth(plugin, "hold", body)).toMatchObject({ details: undefined, actions: [0, 1, 0, 0, 0, 0] });
    expect(decisions(plugin)).toEqual({ "all allow": 1 });
    expect(askBoth(plugin, "hold", toolCall("teapot")).details).toBe("stage_teapot");
  });

  test("the policy, while the second one reads what passes", () => {
    const plugin = start(NO_RM);
    const body = toolCall("echo");
    const { details, asked } = askBoth(plugin, "read", body);
    expect(details).toBeUndefined();
    expect(asked).toEqual(["begin", `passed ${size(body)}`, "close"]);
    expect(askBoth(plugin, "read", toolCall("rm")).asked).toEqual(["begin", "close"]);
  });

  test("the second one, without a policy", () => {
    const plugin = start();
    expect(askBoth(plugin, "hold", toolCall("echo")).details).toBeUndefined();
    expect(askBoth(plugin, "hold", toolCall("teapot")).details).toBe("stage_teapot");
    expect(decisions(plugin)).toEqual({});
  });
});

describe("a request that is answered by its head", () => {
  test("by the second stage", () => {
    const answer = askBoth(start(OPEN), "answer", toolCall("echo"));
    expect(answer).toMatchObject({ details: "stage_answers", status: 429, actions: [1] });
  });

  test("by the policy: the second stage is not asked", () => {
    const headers = { ...MCP_HEADERS, "content-encoding": "gzip" };
    const answer = askBoth(start(NO_RM), "answer", toolCall("echo"), { headers });
    expect(answer).toMatchObject({ details: "mcp_access_refused[compressed]", asked: [] });
  });
});

describe("a request that the second stage holds beyond its end", () => {
  const body = toolCall("echo");
  const send = (plugin: Plugin, requestEnd: "with-last" | "trailers" = "with-last") => {
    const stream = plugin.stream(me.properties);
    stream.requestHeaders(requestHead({ path: "/mcp?stage=queue", headers: MCP_HEADERS }));
    expect(stream.requestBody(Buffer.from(body), requestEnd === "with-last")).toBe(1);
    if (requestEnd === "trailers") expect(stream.requestTrailers([["x", "y"]])).toBe(1);
    expect(stream.passedRequest).toBe("");
    return stream;
  };
  const answer = (stream: HttpStream) => {
    stream.responseHeaders(responseHead({}));
    stream.responseBody(Buffer.from(result()), true);
    stream.end();
  };

  test.each(["with-last", "trailers"] as const)("goes on, as it came, once the stage passes it: ended %s", (end) => {
    const plugin = start(NO_RM);
    const [first, second] = [send(plugin, end), send(plugin, end)];
    expect(decisions(plugin)).toEqual({ "_default allow": 2 });
    expect(askBoth(plugin, "pass", body).details).toBeUndefined();
    expect([first, second].map((stream) => stream.passedRequest)).toEqual([body, ""]);
    askBoth(plugin, "pass", body);
    expect(second.passedRequest).toBe(body);
    for (const stream of [first, second]) answer(stream);
    expect(plugin.vm.metrics.counter("mcp_operations_total", { mcp_outcome: "ok" })).toBe(4);
  });

  test("is answered, and counted as denied, if the stage answers it", () => {
    const plugin = start(NO_RM);
    const stream = send(plugin);
    expect(askBoth(plugin, "refuse", body).details).toBeUndefined();
    expect(replyOf(stream)).toEqual({ status: 429, details: "stage_refuses", body: { by: "stage" } });
    expect(stream.passedRequest).toBe("");
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1, denied: 1 });
  });

  test("is not decided any more once its client has left", () => {
    const plugin = start(NO_RM);
    const [first, second] = [send(plugin), send(plugin)];
    first.reset("client");
    askBoth(plugin, "pass", body);
    expect([first, second].map((stream) => stream.passedRequest)).toEqual(["", body]);
  });

  test("may have headers that are held too, and is none of the watchdog's once its body has begun", () => {
    const plugin = start({ ...NO_RM, holdHeaders: true }, true);
    const stream = send(plugin);
    plugin.vm.clock.advance(60_000);
    plugin.tick();
    expect(stream.reply).toBeUndefined();
    askBoth(plugin, "pass", body);
    expect(stream.passedRequest).toBe(body);
  });
});

test("a request that the second stage is not concerned with is decided by the policy alone", () => {
  const plugin = start(NO_RM);
  expect(ask(plugin, toolCall("rm"), me).reply).toEqual(deniedBy("no-rm"));
  expect(askedOf(plugin)).toEqual([]);
});

test.each([
  ["the second stage", OPEN, "stage_no_body"],
  ["both", NO_RM, "mcp_access_refused[no_body]"],
])("headers held by %s, whose body never comes, are answered by the watchdog", (_, access, details) => {
  const plugin = start({ ...access, holdHeaders: true });
  const stream = plugin.stream(me.properties);
  expect(stream.requestHeaders(requestHead({ path: "/mcp?stage=hold", headers: MCP_HEADERS }))).toBe(1);
  for (let i = 0; i < 4; i++) {
    plugin.vm.clock.advance(1000);
    plugin.tick();
  }
  expect(stream.reply).toBeUndefined();
  plugin.vm.clock.advance(1000);
  plugin.tick();
  expect(stream.reply?.details).toBe(details);
});

test("held headers go on once the body has come and both stages let it pass", () => {
  const plugin = start({ ...NO_RM, holdHeaders: true }, true);
  expect(askBoth(plugin, "hold", toolCall("echo"))).toMatchObject({ details: undefined, actions: [1, 1, 0, 0, 0, 0] });
  expect(askBoth(plugin, "hold", toolCall("teapot"))).toMatchObject({ details: "stage_teapot", actions: [1, 1, 1] });
});

test("the reply is the stage's own, with its body", () => {
  const { reply } = ask(start(OPEN), toolCall("echo"), { ...me, path: "/mcp?stage=answer" });
  expect(reply).toEqual({ status: 429, details: "stage_answers", body: { by: "stage" } });
});
