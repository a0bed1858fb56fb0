import { RequestState } from "../../rules/request_state";
import { RuleInput, SERVER_LIMIT } from "../../rules/message/rule_input";

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
  recalls(state: RequestState, input: RuleInput): bool {
    const length = input.serverLength;
    if (this.serverLength != length || memory.compare(changetype<usize>(this.server), input.server, length) != 0)
      return false;
    if (memory.compare(changetype<usize>(this.matches), state.matches, this.matches.length) != 0) return false;
    state.deniedParts = this.deniedParts;
    state.ruledParts = this.ruledParts;
    return true;
  }

  /** Remembers the parts of a request. */
  keep(state: RequestState, input: RuleInput): void {
    memory.copy(changetype<usize>(this.matches), state.matches, this.matches.length);
    memory.copy(changetype<usize>(this.server), input.server, input.serverLength);
    this.serverLength = input.serverLength;
    this.deniedParts = state.deniedParts;
    this.ruledParts = state.ruledParts;
  }
}
