import { expect, it } from "vitest";

import { TestModule } from "../module.ts";

interface Exports {
  drop(count: number, size: number): void;
}

it("the memory of 1 000 writers that are dropped serves other ones", () => {
  const { exports } = new TestModule<Exports>("writer");
  const dropAndCollect = (count: number) => {
    for (let i = 0; i < count; i += 50) {
      exports.drop(50, 8000);
      exports.__collect();
    }
  };
  dropAndCollect(200);
  const before = exports.memory!.buffer.byteLength;
  dropAndCollect(1000);
  expect(exports.memory!.buffer.byteLength).toBe(before);
});
