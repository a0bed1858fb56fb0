/** The tests of this tier do run with the oldest Envoy. */
import { expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { OLDEST } from "../../scripts/envoy/version.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { startUpstream } from "../envoy/upstream.ts";

const keep = endsAfterAll();

it("is the Envoy that the README names", async () => {
  const envoy = keep(await startEnvoy({ upstream: keep(await startUpstream()) }));
  const info = (await (await fetch(`${envoy.adminUrl}/server_info`)).json()) as { version: string };
  expect(info.version.split("/")[1]).toBe(OLDEST);
});
