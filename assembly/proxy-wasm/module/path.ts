/** The bytes of the longest path of a property. */
export const PATH_LIMIT: i32 = 1024;
/** The path that {@link writePath} wrote last. */
export const PATH: usize = memory.data(1024);
export const DOT: u8 = 0x2e;

/** Writes a path (ASCII, at most {@link PATH_LIMIT} bytes) to {@link PATH}, with `separator` in place of each dot. */
export function writePath(path: string, separator: u8): void {
  const from = changetype<usize>(path);
  for (let i = 0; i < path.length; i++) {
    const unit = load<u8>(from + (i << 1));
    store<u8>(PATH + i, unit == DOT ? separator : unit);
  }
}
