import { Method, TargetKind } from "../protocol/methods";
import { ObservedStream } from "./observed_stream";
import { Operation } from "../operations/operation";
import { StreamEnd } from "../protocol/stream_kinds";
import { TokenKind } from "../protocol/token_kinds";
import { Undecoded } from "../protocol/undecoded";

/** Is told what happens on a stream of MCP. */
export abstract class Observer {
  /** Resolves the server that the stream goes to. */
  abstract resolveServer(stream: ObservedStream): void;
  /** Resolves who calls, where that is a label. */
  abstract resolveCaller(stream: ObservedStream): void;
  /** A hash of who calls: with it, activity without sessions is told apart. */
  abstract callerHash(): u64;
  /** The stream turned out to be MCP. */
  abstract streamStarted(stream: ObservedStream): void;
  /** A request has been read. */
  abstract operationStarted(stream: ObservedStream): void;
  /** Its answer, if it comes, comes on another stream. */
  abstract operationParked(stream: ObservedStream): void;
  /** An operation of this server waits for an answer on another stream. */
  abstract operationWaits(server: i32): void;
  /** An operation that waited was given up, since others needed its place. */
  abstract operationEvicted(stream: ObservedStream): void;
  /** A request has got its one outcome. */
  abstract operationEnded(stream: ObservedStream, operation: Operation): void;
  /** A message of the client passed that the access policy in force was not asked about: by this method (None where it is
   *  an answer to what is not known), about the target of this name (length 0 where it names none). */
  abstract unchecked(stream: ObservedStream, method: Method, name: usize, nameLength: i32): void;
  /** The access policy decided a message: by this method (None where it is unknown), about the target of this name (length 0
   *  where it names none). `rule` is the index of the rule, or one of `SpecialRule`; with `isShadow` the decision is not
   *  carried out. */
  abstract decided(
    stream: ObservedStream,
    method: Method,
    name: usize,
    nameLength: i32,
    rule: i32,
    isDenied: bool,
    isShadow: bool,
  ): void;
  /** A notification of `size` bytes passed. */
  abstract notification(stream: ObservedStream, method: Method, fromClient: bool, size: u64): void;
  /** The server lists a tool or prompt of this name. Returns the index of its label. */
  abstract listed(stream: ObservedStream, kind: TargetKind, at: usize, length: u32): i32;
  /** Texts outside of any operation passed: so many tokens of this kind, estimated. */
  abstract tokens(stream: ObservedStream, kind: TokenKind, tokens: u32): void;
  /** The server's list by this method was read to its end: so many tokens, estimated. */
  abstract listMeasured(stream: ObservedStream, method: Method, tokens: u64): void;
  /** Something could not be read. */
  abstract undecoded(stream: ObservedStream, reason: Undecoded): void;
  /** The stream is over. */
  abstract streamEnded(stream: ObservedStream, end: StreamEnd): void;
}
