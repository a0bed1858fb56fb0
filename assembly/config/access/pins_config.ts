/** What happens to tools whose definitions differ from the pinned ones. */
export enum PinMode {
  /** They are counted. */
  Observe,
  /** They are also withheld from lists, and calls of them are denied. */
  Enforce,
}

export const PIN_MODES: string[] = ["observe", "enforce"];

/** An element of `access.pins`: the tools of some servers. */
export class PinsConfig {
  /** The names of the servers; if empty, the entry covers all servers. */
  servers: string[] = [];
  mode: PinMode = PinMode.Enforce;
  /** The names of the tools, and the pin of each: 64 hexadecimal digits. */
  tools: string[] = [];
  pins: string[] = [];
}
