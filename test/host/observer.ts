import type { GuestMemory } from "./guest-memory.ts";

/** Observes all calls between a module and its host, in order. Calls of the module's allocator are not reported. */
export interface HostObserver {
  /** The module calls an import. Its memory still holds everything that the arguments point to. */
  importCalled(name: string, args: readonly (number | bigint)[], memory: GuestMemory): void;
  /** The import returns; its results are in the module's memory. Not called where the host throws. */
  importReturned(name: string, args: readonly (number | bigint)[], result: number, memory: GuestMemory): void;
  /** The host calls an export of the module. */
  callbackStarted(name: string, args: readonly number[]): void;
  /** The export returns; `result` is undefined where it has none. Not called where it traps. */
  callbackReturned(name: string, result: number | undefined): void;
}
