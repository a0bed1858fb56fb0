import { HeaderBlock } from "../host/header_block";
import { outcomeName } from "../mcp/protocol/outcome";
import { Stream } from "../mcp/state/stream";

/** The headers of the reply to a rejected request, with its outcome and the rule that decided about it. A proxy may send the
 *  reply without a callback, in which {@link ResponseHeaders} would set these headers. */
export function withOutcome(headers: HeaderBlock, stream: Stream): HeaderBlock {
  const pairs = ["x-mcp-outcome", outcomeName(stream.rejection)];
  const logged = stream.logged;
  if (logged && logged.ruleLength) {
    pairs.push("x-mcp-rule");
    pairs.push(String.UTF8.decodeUnsafe(logged.rule, logged.ruleLength));
  }
  return headers.and(pairs);
}
