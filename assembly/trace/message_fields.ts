import { RequestFields } from "../gate/stage/request_fields";
import { SessionKey } from "../identity/keys";
import { LoggedRequest } from "../mcp/state/logged_request";
import { Stream } from "../mcp/state/stream";
import { MessageLines } from "./message_lines";

/** Keeps what stages know about a request in its stream, for the lines of its messages. */
export class MessageFields extends RequestFields {
  constructor(private lines: MessageLines) {
    super();
  }

  principal(stream: Stream, at: usize, length: i32): void {
    stream.openLogged().setPrincipal(at, length);
  }

  rule(stream: Stream, name: string): void {
    stream.openLogged().setRule(name);
  }

  deniedSession(stream: Stream, session: SessionKey): void {
    if (session) stream.openLogged().deniedSession = session;
  }

  refused(stream: Stream): void {
    const logged: LoggedRequest = stream.openLogged();
    if (logged.isRefused) return;
    logged.isRefused = true;
    this.lines.refused(stream);
  }
}
