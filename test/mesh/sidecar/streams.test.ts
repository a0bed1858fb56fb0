/** Event streams through NGINX and the sidecar: each event at once, through reloads, and to the end. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Envoy } from "../../../scripts/envoy/process.ts";
import { hasComponent } from "../../components.ts";
import { FULL } from "../../effort.ts";
import { endsAfterAll } from "../../envoy/cleanup.ts";
import * as mcp from "../../envoy/mcp-messages.ts";
import { countersOf, readMetrics, series } from "../../envoy/prometheus.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { until } from "../../envoy/sessions/until.ts";
import { startUpstream, type Upstream } from "../../envoy/upstream.ts";
import { INSTALL_NGINX } from "./nginx.ts";
import { callerOf, type Caller, type Edge, type Files, makeFiles, startEdge, startSidecar } from "./setup.ts";

/** Longer than the 60 s after which NGINX ends a silent answer by default. */
const SILENT_MS = 62_000;
const EVENTS = 10;

describe.runIf(hasComponent("nginx", INSTALL_NGINX))("event streams behind NGINX", () => {
  const keep = endsAfterAll();
  let files: Files;
  let upstream: Upstream;
  let alice: Caller;
  let envoy: Envoy;
  let edge: Edge;
  let silent: Promise<string>;

  beforeAll(async () => {
    files = keep(makeFiles());
    upstream = keep(await startUpstream());
    alice = keep(callerOf(files, files.key));
    const port = await freePort();
    envoy = keep(await startSidecar(files, upstream, port, {}));
    edge = keep(await startEdge(files, [port]));
    const path = upstream.route(async (_, response) => {
      response.writeHead(200, mcp.SSE_TYPE).write(": here\n\n");
      await sleep(SILENT_MS);
      response.end(mcp.event(mcp.result(1)));
    });
    if (!FULL) return;
    // It is silent while the other tests run.
    silent = alice.fetch(edge.url + path, slowCall()).then((answer) => answer.text());
    silent.catch(() => {});
  });

  it.each([
    ["GET", undefined],
    ["POST", mcp.toolCall(1, "slow")],
  ])("%s: each event arrives before the next is sent", async (method, body) => {
    const stream = stepwise();
    const answer = await alice.fetch(edge.url + stream.path, { method, headers: mcp.LEGACY, body });
    expect(await readAll(answer, stream.received)).toBe(EVENTS + 1);
  });

  it("with proxy_buffering, no event would arrive in time", async () => {
    const port = Number(new URL(envoy.proxyUrl).port);
    const buffering = keep(await startEdge(files, [port], { "proxy_buffering off;": "proxy_buffering on;" }));
    const stream = stepwise();
    const controller = new AbortController();
    const sent = alice.fetch(buffering.url + stream.path, { ...slowCall(), signal: controller.signal });
    const first = sent.then((answer) => answer.body!.getReader().read());
    const waited = await Promise.race([first.then(() => "event"), sleep(2_000, "nothing")]);
    controller.abort();
    await first.catch(() => {});
    stream.received(EVENTS + 1);
    expect(waited).toBe("nothing");
  });

  it("a client that leaves ends its stream at the server", async () => {
    let hasEnded = false;
    const path = upstream.route(async (_, response) => {
      response.writeHead(200, mcp.SSE_TYPE).write(": here\n\n");
      await once(response, "close");
      hasEnded = true;
    });
    const controller = new AbortController();
    const answer = await alice.fetch(edge.url + path, { headers: mcp.LEGACY, signal: controller.signal });
    await answer.body!.getReader().read();
    controller.abort();
    await expect.poll(() => hasEnded).toBe(true);
    const left = series("mcp_streams_total", { mcp_stream_kind: "get", mcp_stream_end: "client_closed" });
    await expect.poll(async () => countersOf(await readMetrics(envoy))[left]).toBe(1);
  });

  it("a reload interrupts no stream, and applies to callers that were added or removed", async () => {
    const json = edge.url + upstream.route((_, response) => void response.end("{}"));
    const statusOf = async (key: string) => {
      const caller = callerOf(files, key);
      const { status } = await caller.fetch(json, slowCall());
      await caller.close();
      return status;
    };
    const leaving = files.addCaller("leaving", "spiffe://mcp.example/user/leaving");
    await edge.reloadWith();
    await expect.poll(() => statusOf(leaving)).toBe(200);
    const stream = stepwise();
    const { fetch } = keep(callerOf(files, leaving));
    const answer = await fetch(edge.url + stream.path, slowCall());
    files.removeCaller("leaving");
    const joining = files.addCaller("joining", "spiffe://mcp.example/user/joining");
    expect(await statusOf(joining)).toBe(401);
    await edge.reloadWith();
    await expect.poll(() => statusOf(joining)).toBe(200);
    await expect.poll(() => statusOf(leaving)).toBe(401);
    expect(await readAll(answer, stream.received)).toBe(EVENTS + 1);
  });

  it.runIf(FULL)("a stream may be silent for more than a minute", async () => {
    expect(await silent).toContain('"id":1');
  });

  /** A stream whose server sends the next event once the client has received the one before. */
  function stepwise(): { path: string; received: (events: number) => void } {
    let arrived = 0;
    const path = upstream.route(async (_, response) => {
      response.writeHead(200, mcp.SSE_TYPE);
      for (let event = 1; event <= EVENTS; event++) {
        response.write(mcp.event(mcp.notification("notifications/message", { event })));
        await until(() => arrived >= event, `event ${event}`);
      }
      response.end(mcp.event(mcp.result(1)));
    });
    return { path, received: (events) => (arrived = events) };
  }
});

function slowCall(): RequestInit {
  return { method: "POST", headers: mcp.LEGACY, body: mcp.toolCall(1, "slow") };
}

/** Reads a stream to its end, and reports the number of its events so far to `received`. Resolves to their number. */
async function readAll(answer: Response, received: (events: number) => void): Promise<number> {
  const decoder = new TextDecoder();
  let text = "";
  const events = () => text.split("\n\n").length - 1;
  for await (const chunk of answer.body!) {
    text += decoder.decode(chunk, { stream: true });
    received(events());
  }
  return events();
}
