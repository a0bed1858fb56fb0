/** Sequences of configurations, good and bad, with and without a policy, against a simple model of which policy is in force. */
import { describe, test } from "vitest";
import { Random } from "../../../scripts/fuzz/random.ts";
import { effort } from "../../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../../seeds.ts";
import { guarded, tools } from "./access.ts";
import { type Chain, type Connection, Listener, Proxy } from "./updates.ts";

/** What can be pushed. Each policy allows one tool, and none allows `rm`. */
const CONFIGURATIONS = {
  policy: guarded({ rules: [tools("ALLOW", "echo", "echo")] }),
  "other policy": guarded({ rules: [tools("ALLOW", "date", "date")] }),
  none: { match: { paths: ["/mcp"] } },
  "bad policy": guarded({ rules: [{ name: "x", action: "ALLOW", form: [] }] }),
  bad: { match: { paths: ["/mcp"] }, sessions: { max: "many" } },
  // What limits have in common with policies must neither close MCP nor keep a policy.
  limits: limited({}),
  "bad limits": limited({ requests: { amount: 1_000_000_000, per: "1s", burts: 5 } }),
};
type Kind = keyof typeof CONFIGURATIONS;
const ALL_KINDS = Object.keys(CONFIGURATIONS) as Kind[];
const KINDS = ALL_KINDS.filter((kind) => !kind.includes("limits"));
/** Without a policy: valid, and not. */
const WITHOUT: readonly Kind[] = ["none", "limits"];
const BAD_WITHOUT: readonly Kind[] = ["bad", "bad limits"];
const TOOLS = ["rm", "echo", "date"];
const OPEN = [true, true, true];
const BY_POLICY: Partial<Record<Kind, boolean[]>> = {
  policy: [false, true, false],
  "other policy": [false, false, true],
};

/** Limits that reject nothing, and callers and held requests as policies have them. */
function limited(fields: object): object {
  const from = [{ source: { notPrincipals: ["spiffe://a/*"] } }];
  const to = [{ operation: { notTools: ["x"] } }];
  const rule = {
    name: "all",
    mode: "enforce",
    from,
    to,
    key: ["principal"],
    requests: { amount: 1_000_000_000, per: "1s" },
  };
  return {
    match: { paths: ["/mcp"] },
    identity: { principalSources: ["jwt"] },
    hold: { maxBodyBytes: "1MiB" },
    limits: { rules: [{ ...rule, ...fields }] },
  };
}

/** One push, and what happens before the next one. */
interface Step {
  readonly listener: 0 | 1;
  readonly kind: Kind;
  /** Requests come on new connections, on all workers. */
  readonly traffic: boolean;
  /** Seconds that pass after the push, with a tick of each instance in each. */
  readonly seconds: number;
  /** The chains that drain end. */
  readonly drained?: boolean;
}

/** The model of one listener: whether a policy is in force, by what was pushed to it. */
class Model {
  isProtected = false;

  push(kind: Kind): void {
    // Only a valid configuration without a policy removes one.
    if (WITHOUT.includes(kind)) this.isProtected = false;
    else if (!BAD_WITHOUT.includes(kind)) this.isProtected = true;
  }
}

const textOf = (steps: readonly Step[]) =>
  steps
    .map(({ listener, kind, traffic, seconds, drained }) => {
      return `${listener}: ${kind}${traffic ? ", traffic" : ""}, ${seconds} s${drained ? ", drained" : ""}`;
    })
    .join(" | ");

/** Carries out a sequence, and throws where the filter does something else than the model says. */
function run(steps: readonly Step[], workers: number): void {
  const proxy = new Proxy(workers);
  const listeners: (Listener | undefined)[] = [undefined, undefined];
  const models = [new Model(), new Model()];
  const kept = new Map<Chain, Connection>();
  const draining = new Set<Chain>();
  const check = (at: number) => {
    if (listeners[at] === undefined) return;
    for (let worker = 0; worker < workers; worker++) {
      const [isAllowed] = listeners[at].connect(worker).allows("rm");
      if (models[at].isProtected && isAllowed) throw new Error(`fails open: ${textOf(steps)}`);
    }
  };
  for (const { listener, kind, traffic, seconds, drained } of steps) {
    const configuration = JSON.stringify(CONFIGURATIONS[kind]);
    const present = listeners[listener];
    if (present === undefined) listeners[listener] = new Listener(proxy, configuration);
    else draining.add(present.push(configuration));
    models[listener].push(kind);
    if (traffic) {
      [0, 1].forEach(check);
      const { chain } = listeners[listener]!;
      kept.set(chain, listeners[listener]!.connect());
    }
    proxy.pass(seconds);
    if (drained) {
      for (const chain of draining) {
        proxy.end(chain);
        kept.delete(chain);
      }
      draining.clear();
    }
  }
  [0, 1].forEach(check);
  checkKept(steps, listeners[0]!, kept, models[0]);
  const last = steps[steps.length - 1];
  const kinds = steps.map(({ kind }) => kind);
  const allowed = listeners[last.listener]!.connect().allows(...TOOLS);
  // The newest configuration decides by its own policy alone.
  const own = BY_POLICY[last.kind];
  const isNew = steps.filter(({ kind }) => kind === last.kind).length === 1;
  if (own && isNew && String(allowed) !== String(own)) throw new Error(`${String(allowed)}: ${textOf(steps)}`);
  // Where nothing asks for a policy, nothing is denied; and a valid configuration removes one.
  const isOpen = kinds.every((kind) => WITHOUT.includes(kind) || BAD_WITHOUT.includes(kind));
  const removes = WITHOUT.includes(last.kind) && steps.every(({ listener }) => listener === last.listener);
  if ((isOpen || (removes && isNew)) && String(allowed) !== String(OPEN)) {
    throw new Error(`denies: ${textOf(steps)}`);
  }
}

/** Where all was pushed to one listener, what its newest policy denies must not pass on older connections either: from three
 *  ticks on, or where the policy returned without a call, once new connections have proved it. */
function checkKept(steps: readonly Step[], listener: Listener, kept: Map<Chain, Connection>, model: Model): void {
  if (!model.isProtected || steps.some((step) => step.listener !== 0)) return;
  const { proxy } = listener;
  for (let second = 0; second < 7; second++) {
    proxy.workers.forEach((_, worker) => listener.connect(worker).allows("rm"));
    proxy.pass(1);
  }
  for (const connection of kept.values()) {
    if (connection.allows("rm")[0]) throw new Error(`fails open on a kept connection: ${textOf(steps)}`);
  }
}

describe("sequences of configurations on two plugins of one name", () => {
  /** All sequences of up to `length` steps. Where traffic is not said, there is some after some of them. */
  const runAll = (length: number, kinds: readonly Kind[], traffic?: boolean): void => {
    const extend = (steps: Step[]): void => {
      if (steps.length > 0) run(steps, 1);
      if (steps.length === length) return;
      // The two listeners are alike: the first push is to the first of them.
      for (const listener of steps.length === 0 ? ([0] as const) : ([0, 1] as const)) {
        for (const kind of kinds) {
          for (const has of traffic === undefined ? [false, true] : [traffic]) {
            extend([...steps, { listener, kind, traffic: has, seconds: has ? 1 : 0 }]);
          }
        }
      }
    };
    extend([]);
  };

  test("all of up to 3, with and without traffic and a tick after each", { timeout: 600_000 }, () => runAll(3, KINDS));

  test("all of up to 2, with limits among them", { timeout: 600_000 }, () => runAll(2, ALL_KINDS));

  test.runIf(effort(0, 1) === 1).each([false, true])(
    "all of up to 5, traffic and ticks: %s",
    { timeout: 7_200_000 },
    (traffic) => runAll(5, KINDS, traffic),
  );

  const push = (kind: Kind, seconds: number, others: Partial<Step> = {}): Step => {
    return { listener: 0, kind, traffic: false, seconds, ...others };
  };

  test("one that a fresh seed found: a configuration returns by a call while it still leads, and a newer one follows", () => {
    // Seed 1785028867. The second worker, late with both, took the lead back for the older one.
    const steps = [
      push("bad", 1),
      push("other policy", 2),
      push("bad", 2, { drained: true }),
      push("other policy", 0),
      push("policy", 5, { traffic: true }),
    ];
    run(steps, 2);
  });

  test.each([1, 2])(
    "one that a fresh seed found: a policy returns after one without that had no stream, %d workers",
    (workers) => {
      // Seed 1673697279. No connection of the one between could be compared with, so that the policy never led again.
      const last = push("other policy", 5, { traffic: true });
      const steps = [push("limits", 5, { traffic: true }), push("other policy", 0), push("none", 40), last];
      run(steps, workers);
    },
  );

  test.each([
    { from: "a fixed seed", seed: FIXED_SEEDS[0], total: 1000 },
    { from: "the fresh seed", seed: FRESH_SEED, total: effort(1000, 19_000) },
  ])("$total random ones of $from, with drains, on two workers", { timeout: 600_000 }, ({ from, seed, total }) => {
    const random = new Random(seed);
    for (let i = 0; i < total; i++) {
      const steps = Array.from({ length: 2 + random.below(6) }, (): Step => {
        const kind = random.pick(ALL_KINDS);
        const seconds = random.pick([0, 0, 1, 2, 5, 40]);
        const listener = random.pick([0, 0, 1] as const);
        return { listener, kind, traffic: random.oneIn(2), seconds, drained: random.oneIn(5) };
      });
      try {
        run(steps, 2);
      } catch (error) {
        throw new Error(`of ${from} (${replayCommand()}): ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
