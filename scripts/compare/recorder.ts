import type { GuestMemory, HostObserver } from "../host/index.ts";
import { Known, decoderOf } from "./decoders.ts";

/** A call as text: its kind (function and subject), a tab, and all details. */
export type Entry = string;

/** The entry of a call. Replaces tabs in the subject, because a tab ends the kind. */
export function entryOf(name: string, subject: string, detail: string): Entry {
  return `${subject === "" ? name : `${name} ${subject.replaceAll("\t", " ")}`}\t${detail}`;
}

export function kindOf(entry: Entry): string {
  return entry.slice(0, entry.indexOf("\t"));
}

/** Records all calls between one VM and its host in a list, which the VMs of a proxy share. */
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
    // Decoded before the call, because results may overwrite the arguments.
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
