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

/** Hands on to Envoy's other filters, as filter state, the server of each stream, and what the operations have cost of one that
 *  {@link HandOn} has handed on: the estimated tokens that a model wrote or reads. */
export class HandedOn extends EventSink {
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
        this.spend(stream, event.operation!.modelTokens);
        break;
      case EventKind.OperationEnded:
        // What waited has been charged to its own stream.
        if (!event.operation!.isParked && !isRejection(event.operation!.outcome))
          this.spend(stream, costOf(stream, event.operation!));
        break;
      case EventKind.Tokens:
        this.spend(stream, event.tokens);
        break;
    }
  }

  private spend(stream: Stream, tokens: u64): void {
    if (!stream.isHandedOn || !tokens || this.isLimited(stream)) return;
    stream.spentTokens = min(stream.spentTokens + tokens, HITS_LIMIT);
    this.state.setNumber("mcp.tokens", stream.spentTokens);
  }

  /** Whether Envoy's own limit has answered the request: a client that tries again must not wait the longer for it. */
  private isLimited(stream: Stream): bool {
    if (stream.status != TOO_MANY_REQUESTS || !this.properties.find("response.code_details")) return false;
    return equalsText(this.properties.at, this.properties.length, "request_rate_limited");
  }
}

/** What an operation has cost that ends on its own stream. */
function costOf(stream: Stream, operation: Operation): u64 {
  const unread = operation.outcome == Outcome.Undecoded ? stream.unreadSize / BYTES_PER_TOKEN : 0;
  return operation.modelTokens + unread;
}
