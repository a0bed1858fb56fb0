import { SessionEnd } from "../../store/session_entry";
import { CountingUnit } from "./counting_unit";
import { EndpointEvent } from "./endpoint_event";
import { RequestHead } from "../headers/request_head";
import { Outcome } from "../protocol/outcome";
import { PairedStream } from "./paired_stream";
import { StreamEnd, StreamKind } from "../protocol/stream_kinds";

/** A stream's part in HTTP+SSE (2024-11-05, basic/transports): the GET stream names an endpoint and brings the answers to
 *  what is posted there. */
@unmanaged
export class HttpSseStream extends PairedStream {
  /** The address of what reads the stream's first event, or 0. */
  private endpointEvent: usize;
  /** The endpoint that the stream named, or 0. */
  private endpoint: u64;

  /** The first event of this GET stream may name an endpoint. */
  protected expectEndpoint(head: RequestHead): void {
    this.endpointEvent = changetype<usize>(EndpointEvent.take(head.path, head.pathLength, head.authority));
  }

  /** Data of the stream's first event. */
  protected feedEndpoint(at: usize, length: usize): void {
    if (this.endpointEvent) changetype<EndpointEvent>(this.endpointEvent).feed(at, length);
  }

  /** The first event is over. `isEndpoint`: its type says that it names one. `isCounted`: the stream has been counted as one
   *  of another kind, since its headers named a session. True where an endpoint is named: then it is one of HTTP+SSE, whatever
   *  its headers say. */
  protected learnEndpoint(isEndpoint: bool, isCounted: bool, unit: CountingUnit): bool {
    if (!this.endpointEvent) return false;
    const event = changetype<EndpointEvent>(this.endpointEvent);
    const isLearned = isEndpoint && event.resolve();
    if (isLearned) {
      this.endpoint = unit.endpoints.hash(event.authority, event.target, event.targetLength);
      unit.endpoints.add(this.endpoint);
      this.joinHttpSse(this.endpoint);
      if (!isCounted) this.kind = StreamKind.HttpSse;
    }
    this.forgetEndpointEvent();
    return isLearned;
  }

  protected forgetEndpointEvent(): void {
    if (this.endpointEvent) changetype<EndpointEvent>(this.endpointEvent).release();
    this.endpointEvent = 0;
  }

  /** The stream is over, and its session with it. */
  protected closeEndpoint(end: StreamEnd, unit: CountingUnit): void {
    this.forgetEndpointEvent();
    if (!this.endpoint) return;
    // Others may have named the same one: then the session is theirs as well.
    if (!unit.endpoints.remove(this.endpoint)) return;
    let outcome = Outcome.UpstreamError;
    if (end == StreamEnd.ClientClosed) outcome = Outcome.Disconnected;
    else if (end == StreamEnd.Complete) outcome = Outcome.Unanswered;
    this.endSession(SessionEnd.StreamClosed, outcome, unit);
  }
}
