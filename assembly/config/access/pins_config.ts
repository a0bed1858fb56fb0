/** What is done about tools whose definitions are not the pinned ones. */
export enum PinMode {
  /** They are counted. */
  Observe,
  /** They are withheld from lists too, and calls of them are denied. */
  Enforce,
}

export const PIN_MODES: string[] = ["observe", "enforce"];

/** An element of `access.pins`: the tools of some servers. */
export class PinsConfig {
  /** The servers by their names; none: all servers. */
  servers: string[] = [];
  mode: PinMode = PinMode.Enforce;
  /** The tools by their names, and the pin of each: 64 hexadecimal digits. */
  tools: string[] = [];
  pins: string[] = [];
}
