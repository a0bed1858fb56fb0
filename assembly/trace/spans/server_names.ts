import { ServerKey } from "../../identity/keys";
import { Bytes } from "../../memory/bytes";
import { Table } from "../../memory/table";

/** Maximum number of remembered server names. The operator chooses them, so they are few. */
const LIMIT: i32 = 256;

/** The names of the servers that streams of this worker went to. */
export class ServerNames {
  private names: Bytes[] = [];
  /** Maps the key of a server to the index of its name, plus one. */
  private byServer: Table = new Table(64);

  /** Remembers the name of a server. */
  add(server: ServerKey, at: usize, length: i32): void {
    if (!server || !length || this.names.length == LIMIT || this.byServer.get(server)) return;
    this.names.push(Bytes.copy(at, length));
    this.byServer.set(server, this.names.length);
  }

  /** The name of a server; null if it is not known. */
  find(server: ServerKey): Bytes | null {
    const index = server ? <i32>this.byServer.get(server) : 0;
    return index ? this.names[index - 1] : null;
  }
}
