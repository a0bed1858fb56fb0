import { FilterState } from "../../host/filter_state";
import { Properties } from "../../host/properties";
import { Event, EventKind } from "../../mcp/event";
import { EventSink } from "../../mcp/event_sink";
import { Outcome, isRejection } from "../../mcp/protocol/outcome";
import { Operation } from "../../mcp/state/operation";
import { Stream } from "../../mcp/state/stream";
import { equalsText } from "../../memory/bytes";
import { BYTES_PER_TOKEN, HITS_LIMIT } from "../ledger/token_cost";

const TOO_MANY_REQUESTS: i32 = 429;

/**
 * Sets filter state for Envoy's other filters: the server of each stream, and for streams described by {@link HandOn}
 * the cost of their operations, as the estimated number of tokens that a model wrote or reads.
 */
export class HandOnSink extends EventSink {
  constructor(
    private state: FilterState,
    private properties: Properties,
  ) {
    super();
  }

  receive(event: Event): void {
    const stream = event.stream;
    switch (event.kind) {
      case EventKind.ServerResolved:
        this.state.set("mcp.server", event.name, event.nameLength);
        break;
      case EventKind.OperationWaiting:
        this.addCost(stream, event.operation!.modelTokens);
        break;
      case EventKind.OperationEnded:
        // A parked operation has been charged to its own stream already.
        if (!event.operation!.isParked && !isRejection(event.operation!.outcome))
          this.addCost(stream, costOf(stream, event.operation!));
        break;
      case EventKind.Tokens:
        this.addCost(stream, event.tokens);
        break;
    }
  }

  private addCost(stream: Stream, tokens: u64): void {
    if (!stream.isHandedOn || !tokens || this.isLimited(stream)) return;
    stream.spentTokens = min(stream.spentTokens + tokens, HITS_LIMIT);
    this.state.setNumber("mcp.tokens", stream.spentTokens);
  }

  /** Whether Envoy's own rate limit has answered the request. Its retries must not make the client wait longer. */
  private isLimited(stream: Stream): bool {
    if (stream.status != TOO_MANY_REQUESTS || !this.properties.find("response.code_details")) return false;
    return equalsText(this.properties.at, this.properties.length, "request_rate_limited");
  }
}

/** The cost in tokens of an operation that ends on its own stream. */
function costOf(stream: Stream, operation: Operation): u64 {
  const unread = operation.outcome == Outcome.Undecoded ? stream.unreadSize / BYTES_PER_TOKEN : 0;
  return operation.modelTokens + unread;
}
