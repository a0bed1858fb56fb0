/** Tests callbacks of many streams at once in any order: no order traps the module or bypasses the policy. */
import { expect, test } from "vitest";
import { Random } from "../../../scripts/fuzz/random.ts";
import { effort } from "../../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../../seeds.ts";
import { Action, type HeaderList, type Plugin, type Properties, requestHead } from "../../../scripts/host/index.ts";
import { AnyStream } from "./any-stream.ts";
import { guarded, tools } from "./access.ts";
import { heldSessions } from "./held-sessions.ts";
import { batch, event, MCP_HEADERS, notification, request, result, toolCall, startVm } from "./filter.ts";

/** Orders determined by a seed. */
const ORDERS = 5000;
const OPEN_AT_ONCE = 40;
const POLICY = { rules: [tools("ALLOW", "echo", "echo")] };
const PROPERTIES: Properties = { "xds.cluster_name": "tools" };

/** The next step of a stream. */
type Step = (stream: AnyStream) => Action | void;

interface Run {
  readonly stream: AnyStream;
  readonly steps: Step[];
  /** The body must not reach the server: only the end of the stream may follow. */
  readonly isDenied: boolean;
}

const DENIED = [
  toolCall("rm"),
  batch(toolCall("echo"), toolCall("rm", 2)),
  request("tools/list"),
  notification("notifications/cancelled", { requestId: 1 }),
  toolCall("echo").replace('"id"', '"method":"tools/call","id"'),
  "no JSON at all",
  '{"jsonrpc":"2.0",',
];
const ALLOWED = [toolCall("echo"), batch(toolCall("echo"), toolCall("echo", 2))];
const RESPONSES = [result(), event(result()), event(request("sampling/createMessage", {}, "s")), '{"error":', ""];

const bytes = (text: string) => Buffer.from(text);

/** A body in chunks, each of which may be empty. */
function pieces(random: Random, body: string): Buffer[] {
  const all: Buffer[] = [];
  for (let from = 0; from < body.length;) {
    const size = random.below(body.length - from + 1);
    all.push(bytes(body.slice(from, from + size)));
    from += size;
  }
  return all;
}

function requestSteps(random: Random, body: string, head: HeaderList): Step[] {
  const isPlain = body === "";
  const parts = pieces(random, body).map(
    (part): Step =>
      (stream) =>
        stream.requestBody(part, false),
  );
  const end: Step = random.oneIn(3)
    ? (stream) => stream.requestTrailers()
    : (stream) => stream.requestBody(bytes(""), true);
  return [(stream) => stream.requestHeaders(head, isPlain), ...parts, ...(isPlain ? [] : [end])];
}

function responseSteps(random: Random): Step[] {
  const head: HeaderList = [
    [":status", random.pick(["200", "200", "202", "404", "503"])],
    ["content-type", random.pick(["application/json", "text/event-stream", "text/plain"])],
    ...(random.oneIn(3) ? [["mcp-session-id", "s1"] as const] : []),
  ];
  const parts = pieces(random, random.pick(RESPONSES)).map(
    (part): Step =>
      (stream) =>
        stream.responseBody(part, false),
  );
  const end: Step = random.oneIn(3)
    ? (stream) => stream.responseTrailers()
    : (stream) => stream.responseBody(bytes(""), true);
  return [(stream) => stream.responseHeaders(head, false), ...parts, end];
}

/** Interleaves both, each in its own order, with the request headers first. */
function merged(random: Random, one: Step[], other: Step[]): Step[] {
  const steps: Step[] = [one[0]];
  for (let i = 1, j = 0; i < one.length || j < other.length;) {
    if (j === other.length || (i < one.length && random.oneIn(2))) steps.push(one[i++]);
    else steps.push(other[j++]);
  }
  return steps;
}

/** @param isWild whether some streams have orders that no proxy has. */
function generate(random: Random, plugin: Plugin, isWild: boolean): Run {
  const isDenied = random.oneIn(2);
  const body = random.pick(isDenied ? DENIED : ALLOWED);
  const session = random.oneIn(3) ? { "mcp-session-id": "s1" } : undefined;
  const method = random.oneIn(10) ? random.pick(["GET", "PUT", "DELETE"]) : "POST";
  const head = requestHead({ method, headers: { ...MCP_HEADERS, ...session } });
  const sent = requestSteps(random, body, head);
  const steps = merged(random, sent, random.oneIn(4) ? [] : responseSteps(random));
  if (random.oneIn(4)) steps.length = random.below(steps.length) + 1;
  const stream = new AnyStream(plugin, PROPERTIES);
  if (!isWild || !random.oneIn(4)) return { stream, steps, isDenied };
  // Orders that no proxy has: steps that are missing, repeated, before the headers, or after the end.
  const wild = Array.from({ length: steps.length + 3 }, () =>
    random.pick([...steps, (stream: AnyStream) => stream.end()]),
  );
  return { stream, steps: wild, isDenied: false };
}

interface Played {
  denied: number;
  decided: number;
  passed: number;
  /** The sessions in which a worker reported open work: all that were observed, and those at the end, when nothing is open. */
  held: number;
  left: number;
}

/** Runs this number of orders, some dozens at once. Returns the replies to the streams that the policy denies. */
function play(seed: number, isWild = true): Played {
  const random = new Random(seed);
  const vm = startVm();
  const start = (more: object, allowHeadersStop: boolean) =>
    vm.plugin({ configuration: guarded({ ...POLICY, ...more }), allowHeadersStop, properties: PROPERTIES });
  const plugins = [start({}, false), start({ holdHeaders: true }, true), start({ mode: "shadow" }, false)];
  const counts: Played = { denied: 0, decided: 0, passed: 0, held: 0, left: 0 };
  const open: Run[] = [];
  for (let begun = 0; begun < ORDERS || open.length > 0;) {
    if (begun < ORDERS && open.length < OPEN_AT_ONCE) {
      const plugin = random.pick(plugins);
      const run = generate(random, plugin, isWild);
      open.push(plugin === plugins[2] ? { ...run, isDenied: false } : run);
      begun++;
    }
    const index = random.below(open.length);
    const { stream, steps, isDenied } = open[index];
    const step = steps.shift();
    const action = step?.(stream);
    if (isDenied && action !== undefined && stream.hasPassed) throw new Error("the server gets what the policy denies");
    if (stream.isOver || steps.length === 0) {
      if (isDenied) counts.denied++;
      else if (stream.hasPassed) counts.passed++;
      if (stream.reply !== undefined) counts.decided++;
      stream.end();
      open.splice(index, 1);
    }
    if (random.oneIn(50)) {
      vm.clock.advance(random.below(1500));
      random.pick(plugins).tick();
      counts.held += heldSessions(vm);
    }
    if (random.oneIn(20)) vm.queues.turn();
  }
  // The data of workers that did not tick last for ten seconds.
  for (let second = 0; second < 11; second++) {
    vm.clock.advance(1000);
    for (const plugin of plugins) plugin.tick();
  }
  counts.left = heldSessions(vm);
  return counts;
}

test.each([
  { from: "a fixed seed", seeds: FIXED_SEEDS },
  { from: "the fresh seed", seeds: Array.from({ length: effort(2, 100) }, (_, i) => FRESH_SEED + i) },
])("orders of $from", { timeout: effort(120_000, 3_600_000) }, ({ seeds }) => {
  for (const seed of seeds) {
    const { denied, decided, passed } = play(seed);
    // Most of them end, and are decided.
    expect(Math.min(denied, decided, passed), replayCommand()).toBeGreaterThan(ORDERS / 10);
  }
});

test("ended streams leave nothing open in their sessions, in any order", () => {
  for (const seed of [...FIXED_SEEDS, FRESH_SEED]) {
    const { held, left } = play(seed, false);
    expect(held, replayCommand()).toBeGreaterThan(100);
    expect(left, replayCommand()).toBe(0);
  }
});
