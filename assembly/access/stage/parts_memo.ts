import { CheckedRequest } from "../../rules/checked_request";
import { Call, SERVER_LIMIT } from "../../rules/message/call";

/**
 * Remembers which parts of the last request's response a policy may change. They are the same for all callers whom the
 * rules match alike, at the same server.
 */
export class PartsMemo {
  private matches: StaticArray<u8>;
  private server: StaticArray<u8> = new StaticArray<u8>(SERVER_LIMIT);
  /** Length of the server's name in bytes; -1 if nothing is remembered. */
  private serverLength: i32 = -1;
  private deniedParts: u8 = 0;
  private ruledParts: u8 = 0;

  /** @param rules the number of rules of the policy */
  constructor(rules: i32) {
    this.matches = new StaticArray<u8>(rules);
  }

  /** Fills in the parts of a request. Returns false if they are not remembered. */
  recalls(check: CheckedRequest, call: Call): bool {
    const length = call.serverLength;
    if (this.serverLength != length || memory.compare(changetype<usize>(this.server), call.server, length) != 0)
      return false;
    if (memory.compare(changetype<usize>(this.matches), check.matches, this.matches.length) != 0) return false;
    check.deniedParts = this.deniedParts;
    check.ruledParts = this.ruledParts;
    return true;
  }

  /** Remembers the parts of a request. */
  keep(check: CheckedRequest, call: Call): void {
    memory.copy(changetype<usize>(this.matches), check.matches, this.matches.length);
    memory.copy(changetype<usize>(this.server), call.server, call.serverLength);
    this.serverLength = call.serverLength;
    this.deniedParts = check.deniedParts;
    this.ruledParts = check.ruledParts;
  }
}
