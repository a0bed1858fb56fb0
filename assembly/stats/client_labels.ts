import { ClientNumbers } from "../mcp/sessions/client_numbers";
import { Labels } from "./labels";

/** Numbers the names of client software with the indices of their labels. */
export class ClientLabels extends ClientNumbers {
  constructor(private labels: Labels) {
    super();
  }

  numberOf(name: usize, length: i32): u8 {
    return <u8>this.labels.clients.admit(name, length, true);
  }
}
