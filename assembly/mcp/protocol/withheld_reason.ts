/** Why clients do not see an element of a list: the label `mcp_withheld_reason`. */
export enum WithheldReason {
  /** The access policy denies every use of it. */
  Policy,
  /** It has no name, or one that can be read in two ways. */
  Unclear,
  /** It is larger than the definitions that are read. */
  TooLarge,
  /** It is a tool without a pin, on a server whose tools are pinned. */
  Unpinned,
  /** It is a tool whose definition differs from its pin. */
  Changed,
  /** The answer to a list's request could not be read, and all of it was withheld. */
  Undecoded,
}

const NAMES: string[] = ["policy", "unclear", "too_large", "unpinned", "changed", "undecoded"];

/** The label `mcp_withheld_reason`. */
export function withheldReasonName(reason: WithheldReason): string {
  return NAMES[reason];
}
