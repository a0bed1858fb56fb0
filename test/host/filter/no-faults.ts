/** After each test: no VM has trapped, and no host has logged a fault of the module. */
import { afterEach, expect } from "vitest";
import { started } from "./filter.ts";

afterEach(() => {
  const vms = started.splice(0);
  expect(
    vms.flatMap(({ alerts, failure }) => [...alerts, ...(failure === undefined ? [] : [failure.message])]),
  ).toEqual([]);
});
