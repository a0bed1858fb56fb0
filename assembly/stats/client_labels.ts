import { ClientNumbers } from "../mcp/sessions/client_numbers";
import { Labels } from "./labels";

/** Numbers the names of clients' software as their labels are. */
export class ClientLabels extends ClientNumbers {
  constructor(private labels: Labels) {
    super();
  }

  numberOf(name: usize, length: i32): u8 {
    return <u8>this.labels.clients.admit(name, length, true);
  }
}
