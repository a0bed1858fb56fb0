import { Level } from "../../host/log";
import { proxy_log } from "./abi";

/** Logs a failed `assert`, a `throw` or an index out of bounds, and traps. Called by AssemblyScript's runtime. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = `${message ? message : "trap"} at ${file ? file : "?"}:${line.toString()}:${column.toString()}`;
  const bytes = String.UTF8.encode(text);
  proxy_log(Level.Error, changetype<usize>(bytes), bytes.byteLength);
  unreachable();
}
