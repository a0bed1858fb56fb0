/** Numbers the names of clients' software: sessions keep the number alone. All workers give a name the same one. */
export abstract class ClientNumbers {
  /** The number of the name: from 1 on, below 255, and 0 for all names that have none of their own. */
  abstract numberOf(name: usize, length: i32): u8;
}
