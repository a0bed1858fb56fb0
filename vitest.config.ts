import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { OLDEST } from "./scripts/envoy/version.ts";
import { filesOf } from "./test/host/filter/matrix.ts";

const SECOND = 1000;

// Here, as every process that runs tests inherits it: all of a run have the same fresh seed (test/seeds.ts).
process.env.MCP_TEST_SEED ??= String(randomInt(1, 2 ** 31));

/** Each file runs an Envoy, a server and clients of its own, and waits for most of its time: two at once, whatever the machine. */
const WITH_ENVOY = {
  testTimeout: 180 * SECOND,
  hookTimeout: 180 * SECOND,
  // By default one second, which is too short for an Envoy or a browser on a busy machine.
  expect: { poll: { timeout: 30 * SECOND } },
  maxWorkers: 2,
};

/** They compare times or memory, must saturate an allowance, use the fixed ports of what we ship, or build the module anew. */
const ALONE = [
  "test/envoy/{bench,bench-events,memory,readme,timeouts}.test.ts",
  "test/envoy/sessions/session-cap.test.ts",
  "test/limits/{fairness,rates}.test.ts",
  "test/mesh/readmes.test.ts",
];

/** The central end-to-end tests, run with the oldest Envoy too, unless ENVOY_PATH says which Envoy it has to be. */
const OLDEST_ENVOY = {
  test: {
    ...WITH_ENVOY,
    name: "envoy-oldest",
    include: [
      "test/envoy-oldest/*.test.ts",
      "test/envoy/{transparency,outcomes,streams,real-clients,server-names}.test.ts",
      "test/access/identities.test.ts",
      "test/limits/{hand-on,queue-gone}.test.ts",
    ],
    env: { MCP_ENVOY_VERSION: OLDEST },
    sequence: { groupOrder: 3 },
  },
};

/** The tests of the module with another build, in the imitation of its host. */
function withBuild(build: "nginx" | "lite") {
  return {
    include: filesOf(build),
    env: { MCP_TEST_BUILD: build },
    setupFiles: ["test/host/filter/no-faults.ts"],
    testTimeout: 300 * SECOND,
    sequence: { groupOrder: 1 },
  };
}

/** Files of the envoy tier that need programs, which are built meanwhile (test/fixtures/prepare.ts). */
const NEEDS_PROGRAMS =
  /test\/(dashboards|image|mesh|prometheus|traces)\/|test\/access\/(parsers|http-sse|clients|server-requests)|test\/limits\/(global|clients)|test\/envoy\/(python|inspector|sdks|bridges)/;

/** Within each tier the files that took longest come first, but those that need programs come last. */
class PreparedLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const order = (file: TestSpecification) =>
      2 * file.project.config.sequence.groupOrder + (NEEDS_PROGRAMS.test(file.moduleId) ? 1 : 0);
    return sorted.toSorted((a, b) => order(a) - order(b));
  }
}

/** The tiers run one after another, so that those with an Envoy are not slowed by the others. */
export default defineConfig({
  test: {
    // By default one core would stay unused.
    maxWorkers: availableParallelism(),
    globalSetup: ["./test/global-setup.ts"],
    sequence: { sequencer: PreparedLast },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,golden}/**/*.test.ts"],
          testTimeout: 180 * SECOND,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "host",
          include: ["test/{host,fuzz,cli}/**/*.test.ts"],
          testTimeout: 300 * SECOND,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...withBuild("nginx"), name: "host-nginx" } },
      { test: { ...withBuild("lite"), name: "host-lite" } },
      {
        test: {
          ...WITH_ENVOY,
          name: "envoy",
          include: ["test/{envoy,conformance,dashboards,image,mesh,prometheus,access,limits,traces}/**/*.test.ts"],
          exclude: ALONE,
          sequence: { groupOrder: 2 },
        },
      },
      ...(process.env.ENVOY_PATH ? [] : [OLDEST_ENVOY]),
      {
        test: { ...WITH_ENVOY, name: "envoy-alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 4 } },
      },
    ],
  },
});
