import { SharedDataStore } from "../../../scripts/host/shared-data.ts";

/** Shared data that runs a hook before each access. */
export class RacingData extends SharedDataStore {
  /** Called before an existing value is read, and before a value is written. */
  beforeAccess: (() => void) | undefined;
  /** Called with each value that was read. */
  afterRead: ((key: string, value: Uint8Array) => void) | undefined;
  /** Called with the previous value and the one that replaced it. */
  afterWrite: ((key: string, before: Uint8Array, after: Uint8Array) => void) | undefined;

  override get(key: string): ReturnType<SharedDataStore["get"]> {
    if (super.get(key) === undefined) return undefined;
    this.beforeAccess?.();
    const found = super.get(key);
    if (found !== undefined) this.afterRead?.(key, found.bytes);
    return found;
  }

  override set(key: string, bytes: Uint8Array, cas: number): boolean {
    this.beforeAccess?.();
    const before = super.get(key)?.bytes ?? new Uint8Array();
    const isWritten = super.set(key, bytes, cas);
    if (isWritten) this.afterWrite?.(key, before, bytes);
    return isWritten;
  }
}

/**
 * Runs steps in order, each on its worker. After each number of accesses in `pauses`, the next step runs completely before
 * the access continues, unless its worker is the one that waits.
 */
export function race<Step extends { readonly worker: number }>(
  data: RacingData,
  steps: readonly Step[],
  pauses: readonly number[],
  run: (step: Step) => void,
): void {
  const busy = new Set<number>();
  let begun = 0;
  let pause = 0;
  let passed = 0;
  const runNext = (): void => {
    const step = steps[begun++];
    busy.add(step.worker);
    run(step);
    busy.delete(step.worker);
  };
  data.beforeAccess = () => {
    if (pause >= pauses.length || begun >= steps.length || passed++ < pauses[pause]) return;
    pause++;
    passed = 0;
    if (!busy.has(steps[begun].worker)) runNext();
  };
  try {
    while (begun < steps.length) runNext();
  } finally {
    data.beforeAccess = undefined;
  }
}
