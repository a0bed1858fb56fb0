/** Assigns numbers to the names of clients' software, so that sessions store only a number. All workers assign the same
 *  number to a name. */
export abstract class ClientNumbers {
  /** The number of the name, from 1 to 254; 0 for all names without their own number. */
  abstract numberOf(name: usize, length: i32): u8;
}
