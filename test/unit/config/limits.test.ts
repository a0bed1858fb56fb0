/** What of `limits` is read, and what is refused. */
import { describe, expect, it } from "vitest";

import { limits } from "./policies.ts";
import { DEFAULTS, read } from "./reader.ts";

const RULE = { name: "r", key: ["principal"], requests: { amount: 60, per: "1m" } };

describe("limits", () => {
  it("have defaults", () => {
    expect(limits({ rules: [RULE] })).toEqual({
      limits: [
        "mode enforce, 65536 keys",
        "rule r enforce denies by error",
        "key principal",
        "requests 60 per 60000 ms, at most 60",
      ],
      errors: [],
      warnings: [],
    });
    expect(DEFAULTS.limits).toEqual([]);
  });

  it("are read whole", () => {
    const whole = {
      mode: "shadow",
      maxKeys: 1_048_576,
      rules: [
        {
          name: "First.rule_1-a",
          mode: "shadow",
          from: [{ source: { principals: ["spiffe://a/*"], claims: [{ path: ["a", "b"], values: ["x"] }] } }],
          to: [
            { operation: { tools: ["search_*"], notTools: ["search_a"], servers: ["s"] } },
            { operation: { methods: ["tools/call"], direction: "client_to_server" } },
          ],
          key: ["principal", "client", "address", "tool", "server", "method", { claim: ["a", "b"] }],
          requests: { amount: 1, per: "1s", burst: 1_000_000_000 },
          tokens: { amount: 1_000_000_000, per: "720h", burst: 5, kinds: ["arguments", "sampling_result"] },
          concurrency: 100_000,
          repeats: { amount: 5, per: "1.5m" },
          denial: { form: "result" },
        },
        { name: "streams", to: [{ operation: { methods: ["GET", "subscriptions/listen"] } }], key: [], concurrency: 1 },
        { name: "tokens", key: [], tokens: { amount: 7, per: "1h" } },
      ],
    };
    expect(limits(whole)).toEqual({
      limits: [
        "mode shadow, 1048576 keys",
        "rule First.rule_1-a shadow denies by result",
        "from principals spiffe://a/* a/b x",
        "to client_to_server tools search_* not search_a servers s",
        "to client_to_server methods tools/call",
        "key principal client address tool server method a/b",
        "requests 1 per 1000 ms, at most 1000000000",
        "tokens 1000000000 per 2592000000 ms, at most 5",
        "kinds 129",
        "concurrency 100000",
        "repeats 5 per 90000 ms, at most 5",
        "rule streams enforce denies by error",
        "to client_to_server methods GET,subscriptions/listen",
        "key ",
        "concurrency 1",
        "rule tokens enforce denies by error",
        "key ",
        "tokens 7 per 3600000 ms, at most 7",
        "kinds 58",
      ],
      errors: [],
      warnings: [],
    });
  });

  it("require paths: without them, a client could bypass them by changing headers", () => {
    const error = "limits: match.paths is required: without it, a client could bypass the limits by changing headers";
    for (const rest of [{}, { match: {} }, { match: { paths: [] } }]) {
      expect(read(JSON.stringify({ limits: { rules: [RULE] }, ...rest })).errors).toEqual([error]);
    }
  });
});
