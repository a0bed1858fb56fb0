/** The length of the longest name in bytes. */
export const NAME_LIMIT: i32 = 1024;
/** The buffer that {@link writeName} fills. */
export const NAME: usize = memory.data(1024);
export const DOT: u8 = 0x2e;

/** Writes the name of a header, property or value (ASCII, at most {@link NAME_LIMIT} bytes) to {@link NAME}, with
 *  `separator` in place of each dot. */
export function writeName(name: string, separator: u8): void {
  const from = changetype<usize>(name);
  for (let i = 0; i < name.length; i++) {
    const unit = load<u8>(from + (i << 1));
    store<u8>(NAME + i, unit == DOT ? separator : unit);
  }
}
