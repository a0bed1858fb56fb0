/** envoy/nginx/nginx.conf on the imitation of NGINX: counters, decisions and log fields are those of Envoy's build. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { type Exchange, exchange, type NginxSettings, type Plugin } from "../../../scripts/host/index.ts";
import { bytesOf, findAll, parseConf } from "./conf.ts";
import { type Answer, ask, type Asking } from "../filter/access.ts";
import {
  countsBy,
  event,
  JSON_ANSWER,
  passSeconds,
  request,
  result,
  SSE_ANSWER,
  startWorkers,
  toolCall,
} from "../filter/filter.ts";
import { faultsOf, startNginx } from "./nginx.ts";

const CONF = parseConf(readFileSync("envoy/nginx/nginx.conf", "utf8"));
const [, CONFIGURATION] = findAll(CONF, "proxy_wasm")[0].args;
const argsOf = (name: string) => findAll(CONF, name)[0].args;
const SETTINGS: Partial<NginxSettings> = {
  moduleName: argsOf("module")[0],
  hasSharedData: findAll(CONF, "shm_kv").some(({ args }) => args[0] === "*"),
  clientBodyBufferBytes: bytesOf(argsOf("client_body_buffer_size")[0]),
  variables: findAll(CONF, "set").map(({ args }) => args[0].slice(1)),
  slabBytes: bytesOf(argsOf("slab_size")[0]),
  nameBytes: Number(argsOf("max_metric_name_length")[0]),
};
const SUBJECT = "CN=agent-1,O=Example";

/** The properties of a request whose certificate has this subject, in NGINX and in Envoy. */
function callerOf(subject: string): Record<string, string> {
  return {
    "ngx.ssl_client_verify": "SUCCESS",
    "ngx.ssl_client_s_dn": subject,
    "connection.uri_san_peer_certificate": `x509://${subject}`,
  };
}

function start(count = 2, settings: Partial<NginxSettings> = {}): Plugin[] {
  return startNginx(count, CONFIGURATION, { ...SETTINGS, ...settings });
}

/** The counters, without those about the process itself. */
function countersOf({ vm }: Plugin): Record<string, number> {
  const counters = Object.entries(vm.metrics.counters());
  const sums: Record<string, number> = {};
  for (const [name, value] of counters) {
    // NGINX's build shortens values to 8 bytes and a hash if the name is too long.
    const short = name.replace(/="([^"]{8})[^"]*"/g, '="$1"');
    if (value > 0 && !name.startsWith("mcp_filter")) sums[short] = (sums[short] ?? 0) + value;
  }
  return sums;
}

function gaugesOf({ vm }: Plugin): Record<string, number> {
  const gauges = Object.entries(vm.metrics.gauges());
  return Object.fromEntries(gauges.filter(([name]) => !/^mcp_(filter|build)/.test(name)));
}

/** The outcomes that the filter finds only when a stream ends, after NGINX has written its access log. */
const LATE = ["unanswered", "disconnected"];

/**
 * Plays a capture through the workers in turn. Returns what clients were answered, and the fields that both access logs have,
 * without those that depend on the process.
 */
function play(workers: readonly Plugin[], exchanges: readonly Exchange[]): unknown[] {
  return exchanges.map((captured, index) => {
    const { stream } = exchange(workers[index % workers.length], captured, { properties: callerOf(SUBJECT) });
    passSeconds(workers, 1);
    const fields = Object.fromEntries(
      [...stream.state]
        .map(([name, value]) => [name.replaceAll(".", "_"), value] as const)
        .filter(([name]) => name !== "mcp_session" && name !== "mcp_duration_ms"),
    ) as Record<string, string | undefined>;
    const { mcp_principal, mcp_rule, mcp_outcome } = fields;
    const isLate = mcp_outcome === undefined || LATE.includes(mcp_outcome);
    const reply = stream.reply && [stream.reply.status, stream.reply.body.trim()];
    return [reply, isLate ? { mcp_principal, mcp_rule } : fields];
  });
}

function asAgent(worker: Plugin, body: string, asking: Asking = {}): Answer {
  return ask(worker, body, { properties: callerOf(SUBJECT), ...asking });
}

test("the module has nothing to report about the configuration", () => {
  const workers = start();
  for (const worker of workers) {
    ask(worker, toolCall("echo"));
    passSeconds([worker], 2);
    expect(
      worker.vm.logs.filter(({ level }) => !["trace", "debug", "info"].includes(level)).map(({ message }) => message),
    ).toEqual([expect.stringContaining("mcp_access_denied")]);
  }
  expect(faultsOf(workers)).toEqual([]);
});

describe.each(captureNames())("capture %s, by the agent that the policy names", (name) => {
  test("gives the counters, replies and log fields that Envoy's build gives, on two workers", () => {
    const envoy = startWorkers(2, { configuration: CONFIGURATION });
    const workers = start();
    const captured = readCapture(name);
    const expected = play(envoy, captured);
    expect(play(workers, captured)).toEqual(expected);
    expect(countersOf(workers[0])).toEqual(countersOf(envoy[0]));
    expect(gaugesOf(workers[0])).toEqual(gaugesOf(envoy[0]));
    expect(Object.keys(gaugesOf(workers[0]))).not.toEqual([]);
    expect(Object.keys(countersOf(workers[0])).some((counter) => counter.startsWith("mcp_access_decisions"))).toBe(
      true,
    );
    expect(faultsOf(workers)).toEqual([]);
  });
});

describe("who calls", () => {
  const isDenied = (worker: Plugin, properties: Record<string, string>, headers: Record<string, string> = {}) =>
    ask(worker, toolCall("get_weather"), { properties, headers: { ...JSON_ANSWER, ...headers } }).reply !== undefined;

  test("only the exact subject of a certificate that NGINX has verified", () => {
    const [worker] = start(1);
    expect(isDenied(worker, callerOf(SUBJECT))).toBe(false);
    expect(isDenied(worker, {})).toBe(true);
    expect(isDenied(worker, callerOf("CN=agent-2,O=Example"))).toBe(true);
    expect(isDenied(worker, callerOf("CN=agent-1\\,O=Example"))).toBe(true);
    expect(isDenied(worker, callerOf(`${SUBJECT},OU=x`))).toBe(true);
    for (const verified of ["NONE", "FAILED:self-signed certificate", ""]) {
      expect(isDenied(worker, { ...callerOf(SUBJECT), "ngx.ssl_client_verify": verified })).toBe(true);
    }
    expect(faultsOf([worker])).toEqual([]);
  });

  test.each(["X-Forwarded-Client-Cert", "Ssl-Client-S-Dn", "X-Ssl-Client-S-Dn", "Authorization"])(
    "no header %s, which a caller can send",
    (header) => {
      const [worker] = start(1);
      for (const value of [`URI=x509://${SUBJECT}`, `x509://${SUBJECT}`, SUBJECT, `Subject="${SUBJECT}"`]) {
        expect(isDenied(worker, {}, { [header]: value })).toBe(true);
        expect(isDenied(worker, callerOf("CN=agent-2,O=Example"), { [header]: value })).toBe(true);
      }
    },
  );
});

describe("variables at the time of the access log", () => {
  const fieldsOf = ({ stream }: Answer) => Object.fromEntries(stream.state);

  test("have the answer, as JSON or as an event", () => {
    const [worker] = start(1);
    const expected = {
      mcp_method: "tools/call",
      mcp_target: "get_weather",
      mcp_outcome: "ok",
      mcp_rule: "agents-read",
    };
    const body = result();
    const asJson = { headers: { ...JSON_ANSWER, "content-length": String(body.length) }, body };
    expect(fieldsOf(asAgent(worker, toolCall("get_weather"), { response: asJson }))).toMatchObject(expected);
    const asEvent = { headers: SSE_ANSWER, body: event(body) };
    expect(fieldsOf(asAgent(worker, toolCall("get_weather"), { response: asEvent }))).toMatchObject({
      ...expected,
      mcp_principal: `x509://${SUBJECT}`,
      mcp_tokens: expect.stringMatching(/^\d+$/) as string,
      mcp_duration_ms: expect.stringMatching(/^\d+$/) as string,
    });
  });

  test("have the rule that denied the README's call, and the answer names it", () => {
    const [worker] = start(1);
    const call = /^ {2}-d '(.*)'$/m.exec(readFileSync("envoy/nginx/README.md", "utf8"))![1];
    const answer = asAgent(worker, call);
    expect(JSON.stringify(answer.reply?.body)).toMatch(/"error":.*_default/);
    const fields = fieldsOf(answer);
    expect(fields).toMatchObject({ mcp_target: "delete_all", mcp_outcome: "denied", mcp_rule: "_default" });
  });

  test("have only principal and rule if the client left before the answer", () => {
    const [worker] = start(1);
    const fields = fieldsOf(asAgent(worker, toolCall("get_weather"), { response: null }));
    expect(fields).toEqual({ mcp_principal: `x509://${SUBJECT}`, mcp_rule: "agents-read" });
    expect(countsBy(worker, "mcp_operations_total", "mcp_outcome")).not.toEqual({ ok: 1 });
  });
});

test("messages of the largest size are read, and nothing larger reaches the module", () => {
  const [worker] = start(1);
  const limit = bytesOf(argsOf("client_max_body_size")[0]);
  expect(bytesOf(argsOf("client_body_buffer_size")[0])).toBe(limit);
  const call = (tool: string, size: number) =>
    request("tools/call", { arguments: { text: "x".repeat(size) }, name: tool });
  const overhead = call("get_it", 0).length;
  expect(asAgent(worker, call("get_it", limit - overhead)).reply).toBeUndefined();
  expect(asAgent(worker, call("rm_it", limit - overhead + 1)).reply).toBeDefined();
  expect(faultsOf([worker])).toEqual([]);
});

test("the memory for metrics has room for all series that the module makes, with 32 workers", () => {
  const [worker] = start(1, { workers: 32 });
  const tools = Array.from({ length: 1100 }, (_, index) => `get_${"x".repeat(100)}_${index}`);
  const list = result({ tools: tools.map((name) => ({ name, inputSchema: { type: "object" } })) });
  asAgent(worker, request("tools/list"), { response: { headers: JSON_ANSWER, body: list } });
  for (const tool of tools) {
    asAgent(worker, toolCall(tool));
    asAgent(worker, toolCall(tool), {
      response: { headers: JSON_ANSWER, body: result({ isError: true, content: [] }) },
    });
  }
  passSeconds([worker], 5);
  expect(Object.keys(worker.vm.metrics.counters("mcp_operations_total")).length).toBeGreaterThan(200);
  expect(faultsOf([worker])).toEqual([]);
});
