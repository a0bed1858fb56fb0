/** How a tool changed between two lists: the label `mcp_change`. */
export enum ToolChange {
  Added,
  Changed,
  Removed,
}

const NAMES: string[] = ["added", "changed", "removed"];

/** The value of the label `mcp_change`. */
export function toolChangeName(change: ToolChange): string {
  return NAMES[change];
}
