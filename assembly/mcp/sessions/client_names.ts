/** Is told what a client's software is called when its session begins. */
export abstract class ClientNames {
  /** The session is named by its hash. */
  abstract remember(session: u64, name: usize, length: i32): void;
}
