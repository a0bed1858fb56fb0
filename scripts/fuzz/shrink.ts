import fc from "fast-check";

/** Maximum time in milliseconds to shrink one value, because that is only a convenience. */
const PATIENCE = 10_000;

/**
 * Shrinks inputs that fail together: fewer and smaller ones that still fail. The last of them is the one that failed.
 */
export function smallest(inputs: readonly unknown[], fails: (inputs: readonly unknown[]) => boolean): unknown[] {
  const last = inputs.slice(-1);
  let few = fails(last) ? last : shrunk(fc.subarray([...inputs]), [...inputs], fails);
  for (let i = 0; i < few.length; i++) {
    few = few.with(
      i,
      smaller(few[i], (input) => fails(few.with(i, input))),
    );
  }
  return few;
}

/** Shrinks the bytes of one input. */
function smaller(input: unknown, fails: (input: unknown) => boolean): unknown {
  for (const path of pathsOfBytes(input)) {
    const bytes = new Uint8Array(at(input, path) as Uint8Array);
    const few = shrunk(fc.uint8Array({ maxLength: bytes.length }), bytes, (some) => {
      return fails(replaced(input, path, Buffer.from(some)));
    });
    input = replaced(input, path, Buffer.from(few));
  }
  return input;
}

/** The smallest value that fast-check finds on its way from a value that fails. */
function shrunk<Value>(values: fc.Arbitrary<Value>, failing: Value, fails: (value: Value) => boolean): Value {
  const { counterexample } = fc.check(
    fc.property(values, (value) => !fails(value)),
    { examples: [[failing]], numRuns: 1, interruptAfterTimeLimit: PATIENCE },
  );
  return counterexample?.[0] ?? failing;
}

type Path = readonly (string | number)[];

/** The paths of Buffers in a value. */
function pathsOfBytes(value: unknown): Path[] {
  if (value instanceof Uint8Array) return [[]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => pathsOfBytes(each).map((path) => [name, ...path]));
}

function at(value: unknown, path: Path): unknown {
  return path.reduce((each, name) => (each as Record<string, unknown>)[name], value);
}

function replaced(value: unknown, [name, ...rest]: Path, by: unknown): unknown {
  if (name === undefined) return by;
  const inside = replaced((value as Record<string, unknown>)[name], rest, by);
  return Array.isArray(value) ? value.with(Number(name), inside) : { ...(value as object), [name]: inside };
}
