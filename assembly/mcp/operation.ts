import { IdKind } from "../jsonrpc/id";
import { Pool } from "../memory/pool";
import { Method } from "./methods";
import { Outcome } from "./outcome";

/** Longest target name kept. The specification asks for at most 128 characters (2025-11-25, server/tools, "Tool Names"). */
export const NAME_LIMIT: u32 = 128;

/** No JSON-RPC error code. */
export const NO_CODE: i32 = i32.MIN_VALUE;

/** A request and, in time, its answer. */
@unmanaged
export class Operation {
  method: Method;
  idKind: IdKind;
  /** See {@link idHash}. */
  idHash: u64;
  /** When the request's headers came, in nanoseconds of the host's clock. */
  startedAt: u64;
  /** Bytes of the request and of the response message. */
  requestSize: u64;
  responseSize: u64;
  outcome: Outcome;
  /** The JSON-RPC error's code, or {@link NO_CODE}. */
  errorCode: i32;
  /** Bytes of the target's name; 0 where there is none, or none that can be kept. */
  nameLength: u32;

  /** The target's name. */
  get name(): usize {
    return changetype<usize>(this) + offsetof<Operation>();
  }

  static take(): Operation {
    const self = changetype<Operation>(pool.take());
    self.errorCode = NO_CODE;
    return self;
  }

  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** Keeps the target's name: at most {@link NAME_LIMIT} bytes. */
  setName(at: usize, length: u32): void {
    memory.copy(this.name, at, length);
    this.nameLength = length;
  }
}

const pool = new Pool(offsetof<Operation>() + NAME_LIMIT);
