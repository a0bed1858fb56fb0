import { Endpoints } from "../../store/endpoints";
import { SessionEnd } from "../../store/session_entry";
import { RequestHead } from "../headers/request_head";
import { Pairing } from "../operations/pairing";
import { Outcome } from "../protocol/outcome";
import { StreamEnd, StreamKind } from "../protocol/stream_kinds";
import { StreamSessions } from "../sessions/stream_sessions";
import { Stream } from "../state/stream";
import { EndpointEvent } from "./endpoint_event";

/** Learns the endpoints that GET streams of HTTP+SSE name (2024-11-05, basic/transports): what is posted to an endpoint is
 *  answered on the stream that named it, and the end of that stream ends the session. */
export class HttpSse {
  constructor(
    private endpoints: Endpoints,
    private sessions: StreamSessions,
    private pairing: Pairing,
  ) {}

  /** The first event of this GET stream may name an endpoint. */
  expect(stream: Stream, head: RequestHead): void {
    stream.endpoint.event = changetype<usize>(EndpointEvent.take(head.path, head.pathLength, head.authority));
  }

  /** Data of the stream's current event. Only that of the first one matters. */
  feed(stream: Stream, at: usize, length: usize): void {
    const event = stream.endpoint.event;
    if (event) changetype<EndpointEvent>(event).feed(at, length);
  }

  /** An event is over. `isEndpoint`: its type says that it names an endpoint. True where it is the first one and names one:
   *  then the stream is one of HTTP+SSE, whatever its headers say. */
  learn(stream: Stream, isEndpoint: bool): bool {
    const link = stream.endpoint;
    if (!link.event) return false;
    const event = changetype<EndpointEvent>(link.event);
    const isLearned = isEndpoint && event.resolve();
    if (isLearned) {
      link.endpoint = this.endpoints.hash(event.authority, event.target, event.targetLength);
      this.endpoints.add(link.endpoint);
      this.sessions.joinEndpoint(stream, link.endpoint);
      // One whose headers named a session has been counted as another kind.
      if (!stream.isConfirmed) stream.kind = StreamKind.HttpSse;
    }
    this.forgetEvent(stream);
    return isLearned;
  }

  /** The stream is over, and its session with it. */
  close(stream: Stream, end: StreamEnd): void {
    this.forgetEvent(stream);
    const endpoint = stream.endpoint.endpoint;
    // Other streams may have named the same endpoint: then the session is theirs as well.
    if (!endpoint || !this.endpoints.remove(endpoint)) return;
    let outcome = Outcome.UpstreamError;
    if (end == StreamEnd.ClientClosed) outcome = Outcome.Disconnected;
    else if (end == StreamEnd.Complete) outcome = Outcome.Unanswered;
    this.pairing.endSession(stream, outcome);
    this.sessions.end(stream, SessionEnd.StreamClosed);
  }

  private forgetEvent(stream: Stream): void {
    const link = stream.endpoint;
    if (link.event) changetype<EndpointEvent>(link.event).release();
    link.event = 0;
  }
}
