import fc from "fast-check";
import { expect, test } from "vitest";
import { effort } from "../effort.ts";
import { captureNames, readCapture } from "../fixtures/captures.ts";
import { MCP_HEADERS, SSE_ANSWER, startFilter } from "../host/filter/filter.ts";
import { exchange, type Exchange, type HeaderList } from "../host/index.ts";

/** Bodies of real traffic, from which most inputs are made by changes. */
const SEEDS = captureNames()
  .flatMap((name) => readCapture(name))
  .flatMap(({ request, response }) => [request.body, response?.body])
  .flatMap((body) => (typeof body === "string" || body instanceof Uint8Array ? [body] : (body ?? [])))
  .map((body) => Buffer.from(body))
  .filter((body) => body.length > 0 && body.length < 4000);

const edit = fc.record({ at: fc.nat(4000), remove: fc.nat(20), insert: fc.uint8Array({ maxLength: 8 }) });
const changed = fc.tuple(fc.constantFrom(...SEEDS), fc.array(edit, { maxLength: 4 })).map(([seed, edits]) =>
  edits.reduce((body, { at, remove, insert }) => {
    const from = at % (body.length + 1);
    return Buffer.concat([body.subarray(0, from), insert, body.subarray(from + remove)]);
  }, seed),
);
const body = fc.oneof(
  { weight: 4, arbitrary: changed },
  fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)),
);
const chunked = fc.tuple(body, fc.array(fc.nat(4000), { maxLength: 5 })).map(([bytes, cuts]) => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
});

const value = fc.constantFrom("application/json", "text/event-stream", "gzip", "2026-07-28", "s1", "", ";", "\xff\n");
const name = fc.constantFrom(
  "content-type",
  "accept",
  "content-encoding",
  "mcp-session-id",
  "mcp-protocol-version",
  "x",
);
const headers = fc.oneof(
  fc.constant(Object.entries(MCP_HEADERS) as HeaderList),
  fc.constant(Object.entries(SSE_ANSWER) as HeaderList),
  fc.array(fc.tuple(name, value), { maxLength: 6 }),
);

const anyExchange: fc.Arbitrary<Exchange> = fc.record({
  request: fc.record({ method: fc.constantFrom("POST", "POST", "GET", "DELETE"), headers, body: chunked }),
  response: fc.option(
    fc.record({
      status: fc.constantFrom(200, 200, 202, 401, 404, 503),
      headers,
      body: chunked,
      ended: fc.constantFrom("complete", "complete", "client", "server", "timeout"),
    }),
    { nil: null },
  ),
});

test("no bytes from either side trap the module, stop the traffic or grow its memory", () => {
  const plugin = startFilter();
  let pages = 0;
  let runs = 0;
  fc.assert(
    fc.property(anyExchange, (spec) => {
      const { actions } = exchange(plugin, spec);
      expect(actions.every((action) => action === 0)).toBe(true);
      if (++runs === 500) pages = plugin.vm.memoryPages();
    }),
    { numRuns: effort(10_000, 500_000) },
  );
  expect(plugin.vm.memoryPages()).toBe(pages);
});

test("how the bytes are cut makes no difference", () => {
  const counters = (spec: Exchange) => {
    const plugin = startFilter();
    exchange(plugin, spec);
    return plugin.vm.metrics.counters();
  };
  fc.assert(
    fc.property(anyExchange, (spec) => {
      const join = (pieces: Exchange["request"]["body"]) => Buffer.concat(pieces as Buffer[]);
      const whole: Exchange = {
        request: { ...spec.request, body: join(spec.request.body) },
        response: spec.response && { ...spec.response, body: join(spec.response.body) },
      };
      expect(counters(spec)).toEqual(counters(whole));
    }),
    { numRuns: effort(1_000, 50_000) },
  );
});
