import { mix } from "../memory/bytes";
import { Table } from "../memory/table";
import { ATTEMPTS, Store } from "./primitives/store";

/** The highest six bits of a server's key are the number of its bucket. */
const BUCKET_BITS: u64 = 6;
/** The maximum number of paths in a bucket. */
const CAPACITY: i32 = 1024;
/** The maximum number of paths of one server. */
const PER_SERVER: i32 = 64;

/** Offsets in an entry: see FORMAT. */
const SERVER_AT: usize = 0;
const PATH_AT: usize = 8;
const ENTRY_SIZE: i32 = 16;

/**
 * The paths on which servers answer tool lists: the first 64 of each server. They distinguish servers that share an
 * upstream. A path that a client invents never evicts another one.
 */
export class ListPaths {
  /** A cache of admitted paths. Its size is bounded by that of the store. */
  private admitted: Table = new Table(16);

  constructor(private shared: Store) {}

  /** Whether the path (a hash) is among those of the server. Adds it if there is room. */
  admit(server: u64, path: u64): bool {
    const key = mix(server ^ mix(path));
    if (key && this.admitted.get(key)) return true;
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.loadRecords("listPaths", <i32>(server >> (64 - BUCKET_BITS)), 0, ENTRY_SIZE, CAPACITY);
      let count = 0;
      let isThere = false;
      for (let at = 0; at < shared.length && !isThere; at += ENTRY_SIZE) {
        const entry = shared.page + at;
        if (load<u64>(entry, SERVER_AT) != server) continue;
        count++;
        isThere = load<u64>(entry, PATH_AT) == path;
      }
      if (!isThere) {
        if (count >= PER_SERVER || shared.length == CAPACITY * ENTRY_SIZE) return false;
        const entry = shared.page + shared.length;
        store<u64>(entry, server, SERVER_AT);
        store<u64>(entry, path, PATH_AT);
        shared.length += ENTRY_SIZE;
        if (!shared.save()) continue;
      }
      if (key) this.admitted.set(key, 1);
      return true;
    }
    shared.conflicts++;
    return false;
  }
}
