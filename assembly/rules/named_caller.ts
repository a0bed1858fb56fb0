import { CallerLabel } from "../config/plugin_config";
import { GateRequest } from "../gate/stage/request";
import { MemberSlot } from "./message/deciding_keys";
import { StrictReader } from "./message/strict_reader";
import { clientNameLength } from "./message_session";

/**
 * Resolves the caller as shown in the statistics of decisions. `reader` has the message; null if it could not be read.
 */
export function nameCaller(request: GateRequest, reader: StrictReader | null): void {
  const services = request.services;
  const participants = services.participants;
  const stream = request.exchange.stream;
  participants.serverOf(stream);
  participants.nameCaller(stream);
  if (participants.callerLabel != CallerLabel.Client) return;
  const session = services.sessions.keyOrNone(stream);
  services.events.clientCalls(
    stream,
    session,
    reader ? reader.textAt(MemberSlot.MetaClientName) : 0,
    reader ? clientNameLength(reader) : 0,
  );
}
