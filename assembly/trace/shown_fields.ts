import { RequestFields } from "../gate/stage/request_fields";
import { SessionKey } from "../identity/keys";
import { Stream } from "../mcp/state/stream";

/** Keeps the rule that decided about a request in its stream, for {@link ResponseHeaders}, and passes everything on. */
export class ShownFields extends RequestFields {
  constructor(private next: RequestFields) {
    super();
  }

  principal(stream: Stream, at: usize, length: i32): void {
    this.next.principal(stream, at, length);
  }

  rule(stream: Stream, name: string): void {
    stream.openLogged().setRule(name);
    this.next.rule(stream, name);
  }

  deniedSession(stream: Stream, session: SessionKey): void {
    this.next.deniedSession(stream, session);
  }

  refused(stream: Stream): void {
    this.next.refused(stream);
  }
}
