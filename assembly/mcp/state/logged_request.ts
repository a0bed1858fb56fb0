import { Pool } from "../../memory/pool";
import { NAME_LIMIT } from "../protocol/limits";
import { Method } from "../protocol/methods";

/** The maximum length of a rule's name, and of a principal in logs, in bytes. */
const RULE_LIMIT: i32 = 63;
const PRINCIPAL_LIMIT: i32 = 256;

/** What the log of messages and response headers show of a stream's request. Pooled. */
@unmanaged
export class LoggedRequest {
  /** Whether the log has a line for the whole request, so that its messages need none. */
  isRefused: bool;
  ruleLength: u8;
  principalLength: u16;
  /** Used by response headers only: the number of the client's requests and notifications so far, the method of the first,
   *  and the length of the shown part of its target in bytes; 0 for none. */
  messages: u32;
  method: Method;
  targetLength: u8;
  /** The session that a denied request names; 0 for none. */
  deniedSession: u64;

  static acquire(): LoggedRequest {
    return changetype<LoggedRequest>(pool.acquire());
  }

  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The address of the name of the rule, `ruleLength` bytes. */
  get rule(): usize {
    return changetype<usize>(this) + offsetof<LoggedRequest>();
  }

  /** The address of the caller's principal, `principalLength` bytes. */
  get principal(): usize {
    return this.rule + RULE_LIMIT;
  }

  /** The address of the target of the first message, `targetLength` bytes. */
  get target(): usize {
    return this.principal + PRINCIPAL_LIMIT;
  }

  /** Counts a message of the client. Keeps the method and the shown part of the target of the first. */
  addMessage(method: Method, target: usize, length: i32): void {
    if (this.messages++) return;
    this.method = method;
    this.targetLength = <u8>min(length, <i32>NAME_LIMIT);
    memory.copy(this.target, target, this.targetLength);
  }

  /** Copies the name of a rule, in ASCII. */
  setRule(name: string): void {
    const length = min(name.length, RULE_LIMIT);
    for (let i = 0; i < length; i++) store<u8>(this.rule + i, <u8>name.charCodeAt(i));
    this.ruleLength = <u8>length;
  }

  /** Copies the caller's principal. */
  setPrincipal(at: usize, length: i32): void {
    const kept = min(length, PRINCIPAL_LIMIT);
    memory.copy(this.principal, at, kept);
    this.principalLength = <u16>kept;
  }
}

const pool = new Pool(offsetof<LoggedRequest>() + RULE_LIMIT + PRINCIPAL_LIMIT + NAME_LIMIT);
