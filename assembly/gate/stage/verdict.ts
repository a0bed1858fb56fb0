import { HeaderBlock } from "../../host/header_block";
import { Outcome } from "../../mcp/protocol/outcome";

/** What a stage decides about a request. */
export enum VerdictKind {
  /** The request may go on, as far as the stage is concerned. */
  Pass,
  /** The request waits: the stage needs its body, or something else once the body has arrived. */
  Hold,
  /** The stage answers the request in place of the server. */
  Answer,
  /** The request may go on without some of its messages, which the stage has rejected: see
   *  `rules/rejected_message.ts`. Only for `Stage.conclude`, which sees whole bodies. */
  Edit,
}

/** A decision about a request, which the gate carries out. */
export class Verdict {
  /** The outcome of the request's messages if it is answered. */
  outcome: Outcome = Outcome.Denied;
  /** The HTTP status of an answer. */
  status: i32 = 0;
  /** Response code details of an answer in the proxy's access log: ASCII without spaces. */
  details: string = "";
  /** The body of an answer: `length` bytes, 0 for none. */
  at: usize = 0;
  length: i32 = 0;
  /** The headers of an answer. */
  headers: HeaderBlock | null = null;

  constructor(readonly kind: VerdictKind) {}

  /** A verdict to answer. Valid until the next call. */
  static answer(outcome: Outcome, status: i32, details: string, at: usize, length: i32, headers: HeaderBlock): Verdict {
    ANSWER.outcome = outcome;
    ANSWER.status = status;
    ANSWER.details = details;
    ANSWER.at = at;
    ANSWER.length = length;
    ANSWER.headers = headers;
    return ANSWER;
  }
}

export const PASS = new Verdict(VerdictKind.Pass);
export const EDIT = new Verdict(VerdictKind.Edit);
export const HOLD = new Verdict(VerdictKind.Hold);
const ANSWER = new Verdict(VerdictKind.Answer);
