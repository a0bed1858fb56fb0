/** The facilities of the binding that the filter does not use yet, in a real Envoy: see test/host/binding. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { modulePath } from "../modules.ts";
import { endsAfterAll } from "./cleanup.ts";
import { exchange, type RawAnswer, type RawRequest } from "./raw-http.ts";
import { addCluster, edited, filtersOf } from "./sessions/bootstrap.ts";
import { bodyOf } from "./upstream.ts";

const FACILITIES = modulePath("test/host/binding/modules/facilities.ts");
const POLL = { timeout: 10_000, interval: 50 };

const keep = endsAfterAll();
let envoy: Envoy;
/** The cluster of the upstream. */
let cluster: string;
/** What the upstream has received last, besides callouts. */
let received: { headers: IncomingMessage["headers"]; body: string };
const callouts: string[] = [];

beforeAll(async () => {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url === "/callout") {
        callouts.push(`${request.method} ${request.headers.host} ${body.toString()}`);
        response.end("pong");
        return;
      }
      received = { headers: request.headers, body: body.toString() };
      response.writeHead(200, { "x-b": "1", "content-length": "6" }).end("abcdef");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  keep({
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
  const { port } = server.address() as AddressInfo;
  const vary = edited((bootstrap) => {
    const { listeners, clusters } = bootstrap.static_resources;
    const { config } = filtersOf(listeners[0])[0].typed_config!;
    Object.assign(config, { allow_on_headers_stop_iteration: true });
    cluster = clusters[0].name;
    addCluster(bootstrap, "empty", port);
    Object.assign(clusters[1].load_assignment, { cluster_name: "empty", endpoints: [] });
  });
  envoy = keep(await startEnvoy({ upstream: { host: "127.0.0.1", port }, wasmPath: FACILITIES, vary }));
});

/** Sends a request with a script. Returns the answer and what the module logged meanwhile, without ticks. */
async function run(script: string, request: RawRequest = {}): Promise<RawAnswer & { lines: string[] }> {
  const before = logged().length;
  const headers = { "x-script": script, ...request.headers };
  const answer = await exchange(`${envoy.proxyUrl}/`, { body: ["abcdef"], ...request, headers });
  // Its log comes through a pipe of its own.
  await sleep(100);
  return { ...answer, lines: logged().slice(before) };
}

function logged(): string[] {
  const lines = envoy.log().matchAll(/wasm log[^:]*: (.*)$/gm);
  return [...lines].map(([, line]) => line).filter((line) => line !== "housekeeping");
}

function headersOf({ rawHeaders }: RawAnswer, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === name);
}

test("headers are found, replaced, added and removed", async () => {
  const steps = [
    "find x-a",
    "find x-none",
    "replace x-a 2",
    "replace x-new 3",
    "add x-c 5",
    "remove x-b",
    "remove x-none",
  ];
  const script = [
    ...steps.map((step) => `request-headers ${step}`),
    "response-headers replace x-b 2",
    "response-headers add x-b 3",
    "response-headers remove server",
  ].join(";");
  const answer = await run(script, { headers: { "x-a": "1", "x-b": "1", "x-c": "4" } });
  expect(answer.lines.slice(0, steps.length).map((line) => line.replace("request-headers ", ""))).toEqual([
    "find x-a: 1",
    "find x-none: none",
    "replace x-a: true",
    "replace x-new: true",
    "add x-c: true",
    "remove x-b: true",
    "remove x-none: true",
  ]);
  expect(received.headers).toMatchObject({ "x-a": "2", "x-new": "3", "x-c": "4, 5" });
  expect(received.headers).not.toHaveProperty("x-b");
  expect(headersOf(answer, "x-b")).toEqual(["2", "3"]);
});

test("headers that have gone on are not accessible", async () => {
  const { lines } = await run("request-body find x-script; request-body replace x-a 1; request-body remove x-a");
  expect(lines.filter((line) => line.includes("x-"))).toEqual(
    expect.arrayContaining([
      "request-body find x-script: none",
      "request-body replace x-a: false",
      "request-body remove x-a: false",
    ]),
  );
  expect(received.headers).not.toHaveProperty("x-a");
});

describe("bodies", () => {
  test.each([
    ["replace-body 3 __", "__def"],
    ["replace-body 99 all", "all"],
    ["prepend-body >>", ">>abcdef"],
    ["append-body <<", "abcdef<<"],
  ])("%s makes abcdef %s", async (command, expected) => {
    // Each direction pauses until its end, so that the body is changed once.
    const script = [
      "request-headers remove content-length",
      `request-end ${command}`,
      "response-headers remove content-length",
      `response-end ${command}`,
    ].join(";");
    const pauses = "request-more pause; response-more pause";
    const answer = await run(`${script}; ${pauses}`);
    expect(received.body).toBe(expected);
    expect(answer.body.toString()).toBe(expected);
  });

  test("cannot be written outside of their callbacks", async () => {
    const { lines, status } = await run("request-headers append-body x; response-headers prepend-body x");
    expect(status).toBe(200);
    expect(lines).toContain("request-headers append-body x: false");
    expect(lines).toContain("response-headers prepend-body x: false");
    expect(received.body).toBe("abcdef");
  });
});

/** To continue from a body callback would also continue the headers. */
const HOLD_REQUEST = "request-headers pause; request-body pause";
const HOLD_RESPONSE = "response-headers pause; response-body pause";

test("paused requests and responses continue", async () => {
  const started = performance.now();
  const holds = `${HOLD_REQUEST}; ${HOLD_RESPONSE}`;
  const answer = await run(`${holds}; request-headers continue-after 150; response-headers continue-after 150`);
  expect(answer.status).toBe(200);
  expect(received.body).toBe("abcdef");
  expect(answer.body.toString()).toBe("abcdef");
  expect(performance.now() - started).toBeGreaterThan(300);
  expect(answer.lines.filter((line) => line.startsWith("continued"))).toEqual(["continued true", "continued true"]);
});

test("a stream that has ended does not become current", async () => {
  await run("response-headers continue-after 300");
  await expect.poll(() => logged().at(-1), POLL).toBe("continued false");
});

test("callouts come back to the plugin instance that sent them", async () => {
  const answer = await run(`${HOLD_REQUEST}; request-headers call ${cluster}`);
  expect(answer.status).toBe(200);
  expect(answer.lines).toContain("response 200 pong");
  expect(callouts).toEqual(["POST callout ping"]);
});

test("callouts to clusters that are unknown or have no endpoints are refused", async () => {
  const { lines } = await run("request-headers call nowhere; request-headers call empty");
  expect(lines.filter((line) => line.includes("call"))).toEqual([
    "request-headers call nowhere: false",
    "request-headers call empty: false",
  ]);
  await sleep(600);
  expect(logged().filter((line) => line.startsWith("response "))).toHaveLength(1);
});

test("a shared queue wakes its plugin instance", async () => {
  await run("request-headers wake");
  await expect.poll(() => logged(), POLL).toContain("ready");
});

test("tasks run at their times, and housekeeping goes on", async () => {
  const housekept = () => envoy.log().split("housekeeping").length;
  const before = housekept();
  const { lines } = await run("request-headers every p 100; request-headers after once 30");
  expect(lines.filter((line) => line.startsWith("task"))[0]).toBe("task once");
  await sleep(3000);
  const runs = logged().filter((line) => line === "task p").length;
  // A busy machine may delay ticks, never advance them.
  expect(runs).toBeGreaterThan(10);
  expect(runs).toBeLessThanOrEqual(31);
  // Of the worker's VM and of the main thread's.
  expect(housekept() - before).toBeGreaterThanOrEqual(4);
  await run("request-headers cancel p");
  const cancelled = logged().length;
  await sleep(500);
  expect(logged().length).toBe(cancelled);
});
