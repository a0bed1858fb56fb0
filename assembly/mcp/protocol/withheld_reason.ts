/** Why an element of a list was withheld from the client: the label `mcp_withheld_reason`. */
export enum WithheldReason {
  /** The access policy denies every use of the element. */
  Policy,
  /** The element has no name or an ambiguous one. */
  Unclear,
  /** The element is larger than the longest definition that is read. */
  TooLarge,
  /** The element is a tool without a pin, on a server whose tools are pinned. */
  Unpinned,
  /** The element is a tool whose definition differs from its pin. */
  Changed,
  /** The response to a list request could not be read, and all of it was withheld. */
  Undecoded,
}

const NAMES: string[] = ["policy", "unclear", "too_large", "unpinned", "changed", "undecoded"];

/** The value of the label `mcp_withheld_reason`. */
export function withheldReasonName(reason: WithheldReason): string {
  return NAMES[reason];
}
