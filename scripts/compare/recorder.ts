import type { GuestMemory, HostObserver } from "../../test/host/index.ts";
import { Known, decoderOf } from "./decoders.ts";

/** A call as text: its kind (function and subject) before the first tab, all details behind it. */
export type Entry = string;

/** The entry of a call. Texts of the module that are part of the kind have no tab. */
export function entryOf(name: string, subject: string, detail: string): Entry {
  return `${subject === "" ? name : `${name} ${subject.replaceAll("\t", " ")}`}\t${detail}`;
}

export function kindOf(entry: Entry): string {
  return entry.slice(0, entry.indexOf("\t"));
}

/** Writes all that passes between one VM and its host into a list, which the VMs of a proxy share. */
export class Recorder implements HostObserver {
  readonly #entries: Entry[];
  readonly #worker: number;
  readonly #known = new Known();
  #pending = "";

  constructor(entries: Entry[], worker: number) {
    this.#entries = entries;
    this.#worker = worker;
  }

  importCalled(name: string, args: readonly (number | bigint)[], memory: GuestMemory): void {
    // Decoded before the call: results may be written over the arguments.
    this.#pending = entryOf(name, ...decoderOf(name).call(args as number[], memory, this.#known));
  }

  importReturned(name: string, args: readonly (number | bigint)[], result: number, memory: GuestMemory): void {
    const results = (result === 0 && decoderOf(name).results?.(args as number[], memory, this.#known)) || "";
    this.#entries.push(`${this.#pending} → ${result}${results === "" ? "" : `, ${results}`}`);
  }

  callbackStarted(name: string, args: readonly number[]): void {
    this.#entries.push(`${name}\tworker ${this.#worker}: ${args.join(" ")}`);
  }

  callbackReturned(name: string, result: number | undefined): void {
    this.#entries.push(`${name} returns\t${result ?? "nothing"}`);
  }
}
