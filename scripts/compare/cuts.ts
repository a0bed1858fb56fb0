import type { CapturedEvent } from "../../test/fixtures/captures.ts";
import { type Cut, whole } from "../../test/host/filter/replay.ts";
import { cut } from "../../test/unit/chunks.ts";
import { randomSizes } from "../fuzz/mutate.ts";
import { Random } from "../fuzz/random.ts";

const PIECES = [1, 7, 64];
const SINGLE_CUTS = 4;
const RANDOM_CUTS = 2;

/** Ways to cut the bodies of a capture. */
export function cutsOf(events: readonly CapturedEvent[]): [title: string, makeCut: () => Cut][] {
  const sizes = events.map(({ request, chunk }) => (request?.body.length ?? 0) + (chunk?.length ?? 0));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  const positions = Array.from({ length: SINGLE_CUTS }, (_, i) => Math.round((size * (i + 0.5)) / SINGLE_CUTS));
  return [
    ["whole", () => whole],
    ...PIECES.map((size): [string, () => Cut] => [`in pieces of ${size}`, () => (body) => cut(body, [size])]),
    ...positions.map((at): [string, () => Cut] => [`cut once at byte ${at} of ${size}`, () => onceAt(at)]),
    ...Array.from({ length: RANDOM_CUTS }, (_, seed): [string, () => Cut] => {
      const makeCut = (): Cut => {
        const random = new Random(seed);
        return (body) => cut(body, randomSizes(random));
      };
      return [`in pieces of any size, seed ${seed}`, makeCut];
    }),
  ];
}

/** Cuts one body once, before the byte at this position of all bodies. */
function onceAt(position: number): Cut {
  let passed = 0;
  return (body) => {
    const at = position - passed;
    passed += body.length;
    return at > 0 && at < body.length ? [body.subarray(0, at), body.subarray(at)] : [body];
  };
}
