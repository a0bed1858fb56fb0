/** With what section `trace` the plugin of `npm start -- --traces` runs. */
import { describe, expect, test } from "vitest";
import { traceSection } from "../../../scripts/start/traces/section.ts";

const COLLECTOR = { host: "127.0.0.1", port: 4318, headers: { "x-mlflow-experiment-id": "0" } };
const OURS = {
  cluster: "otel_collector",
  authority: "127.0.0.1:4318",
  headers: { "x-mlflow-experiment-id": "0" },
  sample: { parent: false, ratio: 1 },
  resource: { "service.name": "shop" },
};

describe("the section", () => {
  test("sends every span to the viewer", () => {
    expect(traceSection(COLLECTOR, "shop")).toEqual(OURS);
  });

  test("has each field of the user's instead of ours", () => {
    const configured = { parent: "header", sample: { ratio: 0.5 }, encoding: "json" };
    expect(traceSection(COLLECTOR, "shop", configured)).toEqual({ ...OURS, ...configured });
  });

  test.each([null, [], "otel_collector", 1])("stays the user's where it is none: %j", (configured) => {
    expect(traceSection(COLLECTOR, "shop", configured)).toEqual(configured);
  });
});
