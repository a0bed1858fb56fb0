import type { GuestMemory } from "./guest-memory.ts";

/** Observes all calls between a module and its host, in order. Calls of the module's allocator are not reported. */
export interface HostObserver {
  /** The module calls an import. Its memory still contains everything to which the arguments point. */
  importCalled(name: string, args: readonly (number | bigint)[], memory: GuestMemory): void;
  /** The import returns, with its results in the module's memory. Not called if the host throws. */
  importReturned(name: string, args: readonly (number | bigint)[], result: number, memory: GuestMemory): void;
  /** The host calls an export of the module. */
  callbackStarted(name: string, args: readonly number[]): void;
  /** The export returns; `result` is undefined if it has none. Not called if it traps. */
  callbackReturned(name: string, result: number | undefined): void;
}
