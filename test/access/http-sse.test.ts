/**
 * A policy on HTTP+SSE in a real Envoy: official clients connect under one that allows their requests, and no header
 * exempts a POST from one that denies it.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasComponent } from "../components.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { countsOf, readMetrics } from "../envoy/prometheus.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { hasPython, type PythonServer, runPythonClient, startPythonServer } from "../fixtures/python.ts";
import type { FixtureServer } from "../../scripts/demo/servers/eras.ts";
import { startSseServer } from "../fixtures/servers/sse-server.ts";
import { type GuardedEnvoy, startGuarded } from "./proxy.ts";

const INSTALL_MS = 600_000;
const canRunPython = await hasPython();
if (!canRunPython) {
  const missing = "Python 3.10 or newer, with venv and pip, is missing";
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: Python's client of HTTP+SSE (${missing})`);
}
const canRunGo = hasComponent("go", INSTALL_GO);

/** Each request is held, because a rule about a tool comes first. */
const FIRST = { name: "never", action: "DENY", to: [{ operation: { tools: ["never"] } }] };
const ASKED = ["@handshake", "tools/*", "resources/*", "prompts/*", "notifications/*"];
const ALLOWED = { rules: [FIRST, { name: "asked", action: "ALLOW", to: [{ operation: { methods: ASKED } }] }] };
const paths = (...named: string[]) => ({ match: { paths: named } });
const mismatches = async (envoy: GuardedEnvoy) =>
  Object.keys(countsOf(await readMetrics(envoy))).filter((key) => key.startsWith("mcp_header_mismatch_total"));

/** The policies under which the clients connect: on both paths, and only on the stream's path. */
const LISTENERS = {
  both: { access: ALLOWED, plugin: paths("/sse", "/messages", "/message") },
  stream: { access: ALLOWED, plugin: paths("/sse") },
};

describe.runIf(canRunPython)("the client of Python's mcp 2.x", { timeout: INSTALL_MS }, () => {
  const keep = endsAfterAll();
  let server: PythonServer;
  let envoy: GuardedEnvoy;
  let direct: unknown;

  beforeAll(async () => {
    server = keep(await startPythonServer("mcp1", "sse"));
    envoy = keep(await startGuarded(LISTENERS, { upstream: server }));
    direct = await runPythonClient("mcp2", `http://${server.host}:${server.port}/sse`, "sse");
  }, INSTALL_MS);

  it.each(Object.keys(LISTENERS))("sees what it sees without Envoy, with the policy on: %s", async (listener) => {
    expect(JSON.stringify(direct)).toContain("3 pages about Tromsø ☃");
    expect(await runPythonClient("mcp2", `${envoy.urlOf(listener)}/sse`, "sse")).toEqual(direct);
    expect(await mismatches(envoy)).toEqual([]);
  });
});

describe.runIf(canRunGo)("the client of go-sdk 1.8", { timeout: INSTALL_MS }, () => {
  const keep = endsAfterAll();
  let program: string;
  let server: FixtureServer;
  let envoy: GuardedEnvoy;
  const run = async (url: string): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(program, [url, "decline", "no_such_tool"]);
    return JSON.parse(stdout);
  };

  beforeAll(async () => {
    program = await buildGoProgram("go-client");
    server = keep(await startSseServer());
    envoy = keep(await startGuarded(LISTENERS, { upstream: server }));
  }, INSTALL_MS);

  it.each(Object.keys(LISTENERS))("sees what it sees without Envoy, with the policy on: %s", async (listener) => {
    const direct = await run(`http://${server.host}:${server.port}/sse`);
    expect(direct).toMatchObject([{ tools: expect.anything() as unknown }, { isError: true }, expect.anything()]);
    expect(await run(`${envoy.urlOf(listener)}/sse`)).toEqual(direct);
    expect(await mismatches(envoy)).toEqual([]);
  });
});

/** Headers of Streamable HTTP on a POST of HTTP+SSE. */
const DISGUISES: Record<string, Record<string, string>> = {
  "nothing more": {},
  "an event stream accepted": { accept: "application/json, text/event-stream" },
  "a session id": { "mcp-session-id": "s" },
  "2026-07-28": { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo" },
  "all of them": { ...mcp.MODERN, "mcp-session-id": "s", "mcp-method": "tools/call", "mcp-name": "echo" },
};

describe("a POST to the endpoint that a stream named", () => {
  const keep = endsAfterAll();
  let envoy: GuardedEnvoy;

  beforeAll(async () => {
    const upstream = keep(await startSseServer());
    const echo = { name: "echo", action: "ALLOW", to: [{ operation: { tools: ["echo"] } }] };
    const listeners = {
      closed: { access: { rules: [] }, plugin: paths("/sse") },
      open: { access: { rules: [FIRST, echo] }, plugin: paths("/sse") },
    };
    envoy = keep(await startGuarded(listeners, { upstream, concurrency: 2 }));
  });

  const call = JSON.stringify({
    jsonrpc: "2.0",
    id: 7,
    method: "tools/call",
    params: { name: "echo", arguments: { text: "Tromsø" } },
  });

  describe.each(Object.entries(DISGUISES))("with %s", (_, headers) => {
    it("reaches the server only where the policy allows it, and is answered on its stream", async () => {
      for (const listener of ["closed", "open"]) {
        const stream = await openStream(envoy.urlOf(listener), headers);
        afterAll(() => stream.close());
        const sent = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: call };
        const answer = await fetch(stream.endpoint, sent);
        expect([listener, answer.status]).toEqual([listener, 202]);
        const received = await stream.until('"id":7');
        expect(received.includes("Tromsø")).toBe(listener === "open");
        expect(received.includes('"code":403')).toBe(listener === "closed");
        await stream.close();
      }
    });
  });
});

/** An HTTP+SSE stream whose GET also has these headers. */
interface SseStream {
  readonly endpoint: URL;
  /** All text received so far. */
  readonly received: string;
  /** Waits for a text, and resolves to everything received so far. */
  until(text: string): Promise<string>;
  close(): Promise<void>;
}

async function openStream(url: string, headers: Record<string, string>): Promise<SseStream> {
  const response = await fetch(`${url}/sse`, { headers });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let received = "";
  const until = async (text: string): Promise<string> => {
    while (!received.includes(text)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the stream ended after ${received}`);
      received += value;
    }
    return received;
  };
  const [, reference] = /data: (\S+)/.exec(await until("\n\n"))!;
  return {
    endpoint: new URL(reference, url),
    get received() {
      return received;
    },
    until,
    close: () => reader.cancel(),
  };
}
