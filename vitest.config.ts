import { randomInt } from "node:crypto";
import { defineConfig } from "vitest/config";
import { OLDEST } from "./scripts/envoy/version.ts";

const SECOND = 1000;

// Here, as every process that runs tests inherits it: all of a run have the same fresh seed (test/seeds.ts).
process.env.MCP_TEST_SEED ??= String(randomInt(1, 2 ** 31));

/** Each file runs an Envoy, a server and clients of its own: side by side they would fight for the cores. */
const WITH_ENVOY = { testTimeout: 180 * SECOND, hookTimeout: 180 * SECOND, fileParallelism: false };

/** The central end-to-end tests, run with the oldest Envoy too, unless ENVOY_PATH says which Envoy it has to be. */
const OLDEST_ENVOY = {
  test: {
    ...WITH_ENVOY,
    name: "envoy-oldest",
    include: [
      "test/envoy-oldest/*.test.ts",
      "test/envoy/{transparency,outcomes,streams,real-clients}.test.ts",
      "test/access/identities.test.ts",
    ],
    env: { MCP_ENVOY_VERSION: OLDEST },
    sequence: { groupOrder: 3 },
  },
};

/** The tiers run one after another, so that what the envoy tier times is not slowed by the others. */
export default defineConfig({
  test: {
    globalSetup: ["./test/global-setup.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 60 * SECOND,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "host",
          include: ["test/host/**/*.test.ts", "test/fuzz/**/*.test.ts"],
          testTimeout: 120 * SECOND,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...WITH_ENVOY,
          name: "envoy",
          include: ["test/{envoy,conformance,image,mesh,prometheus,access}/**/*.test.ts"],
          sequence: { groupOrder: 2 },
        },
      },
      ...(process.env.ENVOY_PATH ? [] : [OLDEST_ENVOY]),
    ],
  },
});
