import { ServerKey, ToolKey } from "../../identity/keys";
import { mix } from "../../memory/bytes";
import { neverZero } from "../../memory/keyed_hash";
import { Table } from "../../memory/table";
import { Marks } from "../../store/primitives/marks";

/** Maximum number of tools that this worker remembers without the store. */
const CAPACITY: i32 = 4096;

/**
 * The tools that servers are known to have, from lists and successful calls. Limits have allowances by tool for them,
 * because callers cannot invent them.
 */
export class KnownTools {
  private here: Table = new Table(256);

  /** @param marks the tools known to all workers */
  constructor(private marks: Marks) {}

  /** Records that the server has this tool. */
  add(server: ServerKey, tool: ToolKey): void {
    const key = keyOf(server, tool);
    if (this.here.get(key)) return;
    this.remember(key);
    this.marks.set(server, tool, 1);
  }

  /** Whether the server is known to have this tool. */
  has(server: ServerKey, tool: ToolKey): bool {
    const key = keyOf(server, tool);
    if (this.here.get(key)) return true;
    if (!this.marks.get(server, tool)) return false;
    this.remember(key);
    return true;
  }

  private remember(key: u64): void {
    if (this.here.size == CAPACITY) this.here = new Table(256);
    this.here.set(key, 1);
  }
}

function keyOf(server: ServerKey, tool: ToolKey): u64 {
  return neverZero(mix(server ^ mix(tool)));
}
