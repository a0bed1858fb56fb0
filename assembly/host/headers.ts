/** The headers of one message, read in order. Names are in lower case. */
export abstract class Headers {
  name: usize = 0;
  nameLength: i32 = 0;
  value: usize = 0;
  valueLength: i32 = 0;
  /** Reads all headers of the current stream's message. */
  abstract open(): void;
  /** Moves to the next header. False if there is none. */
  abstract next(): bool;
}
