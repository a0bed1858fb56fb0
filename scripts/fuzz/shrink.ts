/** Maximum time in milliseconds to shrink inputs, because that is only a convenience. */
const PATIENCE = 20_000;

/**
 * Shrinks inputs that fail together: fewer and smaller ones that still fail. The last of them is the one that failed.
 */
export function smallest(inputs: readonly unknown[], fails: (inputs: readonly unknown[]) => boolean): unknown[] {
  const until = performance.now() + PATIENCE;
  const last = inputs.slice(-1);
  let few = fails(last) ? last : shorter(inputs, fails, until);
  for (let i = 0; i < few.length; i++) {
    few = few.with(
      i,
      smaller(few[i], (input) => fails(few.with(i, input)), until),
    );
  }
  return few;
}

/** Shrinks the bytes of one input. */
function smaller(input: unknown, fails: (input: unknown) => boolean, until: number): unknown {
  for (const path of pathsOfBytes(input)) {
    const bytes = at(input, path) as Uint8Array;
    const few = shorter([...bytes], (some) => fails(replaced(input, path, Buffer.from(some as number[]))), until);
    input = replaced(input, path, Buffer.from(few));
  }
  return input;
}

/** Removes as many items as possible: halves, then quarters, down to single items. */
function shorter<Item>(items: readonly Item[], fails: (items: readonly Item[]) => boolean, until: number): Item[] {
  let few = [...items];
  for (let size = few.length >> 1; size > 0; size >>= 1) {
    for (let from = 0; from < few.length && performance.now() < until;) {
      const rest = few.toSpliced(from, size);
      if (fails(rest)) few = rest;
      else from += size;
    }
  }
  return few;
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
