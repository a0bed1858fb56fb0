import { Level, Log } from "../host/log";
import { proxy_log } from "./module/abi";

/** The proxy's log. */
export class HostLog extends Log {
  write(level: Level, line: string): void {
    if (level < this.level) return;
    const bytes = String.UTF8.encode(line);
    proxy_log(level, changetype<usize>(bytes), bytes.byteLength);
  }

  writeBytes(level: Level, at: usize, length: i32): void {
    if (level >= this.level) proxy_log(level, at, length);
  }
}
