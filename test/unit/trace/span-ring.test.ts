import fc from "fast-check";
import { expect } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

const LIMIT = 1 << 20;
const LONGEST = LIMIT / 8;

interface Exports {
  clear(): void;
  push(at: number, length: number): number;
  count(): number;
  totalLength(): number;
  shift(): number;
  takenAt(): number;
  countUpTo(limit: number): number;
}

const module = new TestModule<Exports>("span_ring");
const { exports } = module;

/** Bytes of a span in the ring. */
const sizeOf = ({ length }: Buffer): number => 4 + Math.ceil(length / 4) * 4;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ push: fc.oneof(fc.nat(700), fc.nat(60_000), fc.constant(LONGEST + 1)), fill: fc.nat(255) }),
  },
  { weight: 2, arbitrary: fc.record({ shift: fc.nat(20) }) },
);

itHolds(
  "the ring gives back the newest spans as they came, in order",
  100,
  fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    exports.clear();
    const model: Buffer[] = [];
    const shift = () => {
      const expected = model.shift()!;
      expect(module.bytes(exports.takenAt(), exports.shift()).equals(expected)).toBe(true);
    };
    for (const each of steps) {
      if ("push" in each) {
        // No two bytes near each other are the same, so that a part in the wrong place is seen.
        const bytes = Buffer.from(Uint8Array.from({ length: each.push }, (_, i) => each.fill + i * 7 + (i >> 8)));
        const gone = module.lend(bytes, (at, length) => exports.push(at, length));
        if (bytes.length > LONGEST) {
          expect(gone).toBe(1);
        } else {
          model.push(bytes);
          let used = model.reduce((sum, one) => sum + sizeOf(one), 0);
          for (let i = 0; i < gone; i++) used -= sizeOf(model.shift()!);
          expect(used).toBeLessThanOrEqual(LIMIT);
        }
      } else {
        for (let i = 0; i < each.shift && model.length > 0; i++) shift();
      }
      expect(exports.count()).toBe(model.length);
      expect(exports.totalLength()).toBe(model.reduce((sum, { length }) => sum + length, 0));
    }
    let [count, length] = [0, 0];
    while (count < model.length && (count === 0 || length + model[count].length <= 100_000))
      length += model[count++].length;
    expect(exports.countUpTo(100_000)).toBe(count);
    while (model.length > 0) shift();
  }),
);
