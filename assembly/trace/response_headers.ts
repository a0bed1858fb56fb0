import { HeaderMap } from "../host/header_map";
import { SessionKey } from "../identity/keys";
import { methodName } from "../mcp/protocol/methods";
import { outcomeName } from "../mcp/protocol/outcome";
import { MODERN_REVISION } from "../mcp/protocol/revisions";
import { LoggedRequest } from "../mcp/state/logged_request";
import { Stream } from "../mcp/state/stream";
import { HEX_SIZE, writeHex } from "../memory/hex";
import { writePercentEncoded } from "../memory/percent_encoding";

/** The maximum length of a header's value in bytes. */
const VALUE_LIMIT: i32 = 128;
const value: usize = memory.data(128);

/** The value of `x-mcp-method` for a batch. */
const BATCH = "_BATCH";

/**
 * Describes requests in the headers of their responses. docs/access-log.md lists the headers. Never contains arguments,
 * results or ids; a session appears as its keyed hash.
 */
export class ResponseHeaders {
  /** @param headers the headers of the current response */
  constructor(private headers: HeaderMap) {}

  /** Sets the headers that describe the stream's request, and removes those that the server has set. For a request without a
   *  message, sets none, unless it is rejected. `session` is 0 for none. */
  write(stream: Stream, session: SessionKey): void {
    const kept = stream.logged;
    const logged = kept && (kept.messages || stream.isRejected) ? kept : null;
    const hasMessage = logged != null && logged.messages > 0;
    this.text("x-mcp-method", hasMessage ? methodOf(logged!) : "");
    this.target(logged);
    this.text("x-mcp-era", hasMessage ? (stream.revision == MODERN_REVISION ? "modern" : "legacy") : "");
    this.session(hasMessage || stream.isRejected ? session : 0);
    if (logged) this.set("x-mcp-rule", logged.rule, logged.ruleLength);
    else this.headers.remove("x-mcp-rule");
    this.text("x-mcp-outcome", outcomeName(stream.rejection));
  }

  /** The target of a single message. */
  private target(logged: LoggedRequest | null): void {
    const length = logged && logged.messages == 1 ? logged.targetLength : 0;
    const written = length ? writePercentEncoded(value, VALUE_LIMIT, logged!.target, length) : 0;
    this.set("x-mcp-target", value, written);
  }

  private session(session: SessionKey): void {
    writeHex(value, session);
    this.set("x-mcp-session", value, session ? HEX_SIZE : 0);
  }

  /** Sets a header to ASCII text of at most {@link VALUE_LIMIT} characters. */
  private text(name: string, text: string): void {
    for (let i = 0; i < text.length; i++) store<u8>(value + i, <u8>text.charCodeAt(i));
    this.set(name, value, text.length);
  }

  /** Sets a header, or removes it if the length is 0. */
  private set(name: string, at: usize, length: i32): void {
    if (length) this.headers.replace(name, at, length);
    else this.headers.remove(name);
  }
}

function methodOf(logged: LoggedRequest): string {
  return logged.messages == 1 ? methodName(logged.method) : BATCH;
}
