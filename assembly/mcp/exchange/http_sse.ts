import { Endpoints } from "../../store/endpoints";
import { SessionEnd } from "../../store/session_entry";
import { RequestHead } from "../headers/request_head";
import { Pairing } from "../operations/pairing";
import { Outcome } from "../protocol/outcome";
import { StreamEnd, StreamKind } from "../protocol/stream_kinds";
import { StreamSessions } from "../sessions/stream_sessions";
import { Stream } from "../state/stream";
import { EndpointLink } from "../state/endpoint_link";
import { EndpointEvent } from "./endpoint_event";

/** Learns the endpoints that GET streams of HTTP+SSE announce (2024-11-05, basic/transports). Responses to POSTs to an
 *  endpoint arrive on the stream that announced it, and the end of that stream ends the session. */
export class HttpSse {
  constructor(
    private endpoints: Endpoints,
    private sessions: StreamSessions,
    private pairing: Pairing,
  ) {}

  /** Prepares a GET stream, one of whose first events may announce an endpoint. */
  expect(stream: Stream, head: RequestHead): void {
    stream.endpoint.event = changetype<usize>(EndpointEvent.acquire(head.path, head.pathLength, head.authority));
  }

  /** Reads data of the stream's current event. `isEndpoint`: the event's type, as read so far, is `endpoint`. */
  feed(stream: Stream, isEndpoint: bool, at: usize, length: usize): void {
    const link = stream.endpoint;
    if (link.event && (isEndpoint || !link.endpoint)) changetype<EndpointEvent>(link.event).feed(at, length);
  }

  /** Ends an event. `isEndpoint`: the event's type is `endpoint`. True if the event announces an endpoint: then the stream
   *  is HTTP+SSE, whatever its headers say. Other events before it are skipped up to a limit, as clients do. If a stream
   *  announces another endpoint later, clients post there and stay in the same session. */
  learn(stream: Stream, isEndpoint: bool): bool {
    const link = stream.endpoint;
    if (!link.event) return false;
    const event = changetype<EndpointEvent>(link.event);
    const isNamed = isEndpoint && event.resolve();
    if (isNamed && link.endpoint) {
      this.replaceOther(link, event);
    } else if (isNamed) {
      link.endpoint = this.endpoints.hash(event.authority, event.target, event.targetLength);
      event.tail = this.endpoints.tailHash(event.target, event.targetLength);
      this.endpoints.add(link.endpoint, link.endpoint, event.tail);
      this.sessions.joinEndpoint(stream, link.endpoint);
      // A stream whose headers named a session is already counted as another kind.
      if (!stream.isConfirmed) stream.kind = StreamKind.HttpSse;
    }
    if (!event.endEvent() && !link.endpoint) this.forgetEvent(stream);
    return isNamed;
  }

  /** Ends the session together with its stream. */
  close(stream: Stream, end: StreamEnd): void {
    const link = stream.endpoint;
    const endpoint = link.endpoint;
    const isLast = endpoint != 0 && this.removeAll(endpoint, changetype<EndpointEvent>(link.event));
    this.forgetEvent(stream);
    // Other streams may have announced the same endpoint and share the session.
    if (!isLast) return;
    let outcome = Outcome.UpstreamError;
    if (end == StreamEnd.ClientClosed) outcome = Outcome.Disconnected;
    else if (end == StreamEnd.Complete) outcome = Outcome.Unanswered;
    this.pairing.endSession(stream, outcome);
    this.sessions.end(stream, SessionEnd.StreamClosed);
  }

  /** The stream has announced an endpoint other than its first one. It replaces an earlier replacement. */
  private replaceOther(link: EndpointLink, event: EndpointEvent): void {
    const other = this.endpoints.hash(event.authority, event.target, event.targetLength);
    if (other == event.other) return;
    this.removeOther(link.endpoint, event);
    if (other == link.endpoint) return;
    const tail = this.endpoints.tailHash(event.target, event.targetLength);
    event.other = other;
    // A session that is counted twice for one tail would look like two.
    event.otherTail = tail == event.tail ? 0 : tail;
    this.endpoints.add(other, link.endpoint, event.otherTail);
  }

  private removeOther(session: u64, event: EndpointEvent): void {
    if (event.other) this.endpoints.remove(event.other, session, event.otherTail);
    event.other = 0;
  }

  /** Removes the endpoints that a stream announced. Returns whether no other stream announced its first endpoint. */
  private removeAll(session: u64, event: EndpointEvent): bool {
    this.removeOther(session, event);
    return this.endpoints.remove(session, session, event.tail);
  }

  private forgetEvent(stream: Stream): void {
    const link = stream.endpoint;
    if (link.event) changetype<EndpointEvent>(link.event).release();
    link.event = 0;
  }
}
