import { SessionKey } from "../../identity/keys";
import { Table } from "../../memory/table";
import { Span } from "../../mcp/state/span";

/** The spans of clients' requests that are open on this worker, by their sessions: parents of what the server asks on another
 *  stream of the session. */
export class OpenSpans {
  /** The addresses of the newest ones by the keys of their sessions. */
  private newest: Table = new Table(64);

  /** A request of the session is open. */
  add(span: Span, session: SessionKey): void {
    const before = <usize>this.newest.get(session);
    span.listedUnder = session;
    span.older = before;
    span.newer = 0;
    if (before) changetype<Span>(before).newer = changetype<usize>(span);
    this.newest.set(session, changetype<usize>(span));
  }

  /** The request is not open any more. Nothing where it was not listed. */
  remove(span: Span): void {
    const session = span.listedUnder;
    if (!session) return;
    span.listedUnder = 0;
    if (span.older) changetype<Span>(span.older).newer = span.newer;
    if (span.newer) changetype<Span>(span.newer).older = span.older;
    else if (span.older) this.newest.set(session, span.older);
    else this.newest.delete(session);
  }

  /** The only open one of a session; null where there is none, or where there are several. */
  only(session: SessionKey): Span | null {
    const at = <usize>this.newest.get(session);
    if (!at) return null;
    const span = changetype<Span>(at);
    return span.older ? null : span;
  }
}
