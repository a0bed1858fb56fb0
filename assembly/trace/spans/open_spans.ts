import { SessionKey } from "../../identity/keys";
import { Table } from "../../memory/table";
import { Span } from "../../mcp/state/span";

/**
 * The spans of client requests that are open on this worker, by session. They can be parents of server requests on
 * another stream of the session.
 */
export class OpenSpans {
  /** Addresses of the newest span of each session, by the session's key. */
  private newest: Table = new Table(64);

  /** Adds an open request of the session. */
  add(span: Span, session: SessionKey): void {
    const before = <usize>this.newest.get(session);
    span.listedUnder = session;
    span.older = before;
    span.newer = 0;
    if (before) changetype<Span>(before).newer = changetype<usize>(span);
    this.newest.set(session, changetype<usize>(span));
  }

  /** Removes a request that is no longer open. Does nothing if it was not added. */
  remove(span: Span): void {
    const session = span.listedUnder;
    if (!session) return;
    span.listedUnder = 0;
    if (span.older) changetype<Span>(span.older).newer = span.newer;
    if (span.newer) changetype<Span>(span.newer).older = span.older;
    else if (span.older) this.newest.set(session, span.older);
    else this.newest.delete(session);
  }

  /** The only open span of a session; null if there is none or more than one. */
  only(session: SessionKey): Span | null {
    const at = <usize>this.newest.get(session);
    if (!at) return null;
    const span = changetype<Span>(at);
    return span.older ? null : span;
  }
}
