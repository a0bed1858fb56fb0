import { defineConfig } from "vitest/config";

const SECOND = 1000;

/** The three tiers run one after another, so that what the envoy tier times is not slowed by the others. */
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
          name: "envoy",
          include: ["test/envoy/**/*.test.ts", "test/conformance/**/*.test.ts"],
          testTimeout: 180 * SECOND,
          hookTimeout: 180 * SECOND,
          // Each file runs an Envoy, a server and clients of its own: side by side they would fight for the cores.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
