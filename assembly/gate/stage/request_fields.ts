import { SessionKey } from "../../identity/keys";
import { Stream } from "../../mcp/state/stream";

/** Receives what stages know about requests, for logs. */
export abstract class RequestFields {
  /** The caller of the stream's request: `length` bytes at `at`, at most 256. */
  abstract principal(stream: Stream, at: usize, length: i32): void;

  /** The rule (ASCII, at most 63 characters) that decided the stream's latest message, or a denied message of its batch. */
  abstract rule(stream: Stream, name: string): void;

  /** The session of a denied request, which may never become an operation; 0 for none. */
  abstract deniedSession(stream: Stream, session: SessionKey): void;

  /** The stream's whole request is rejected before its messages are decided. {@link rule} and {@link deniedSession} precede
   *  this call. */
  abstract refused(stream: Stream): void;
}

/** Writes nothing. For a configuration without fields. */
export class NoRequestFields extends RequestFields {
  principal(_stream: Stream, _at: usize, _length: i32): void {}

  rule(_stream: Stream, _name: string): void {}

  deniedSession(_stream: Stream, _session: SessionKey): void {}

  refused(_stream: Stream): void {}
}
