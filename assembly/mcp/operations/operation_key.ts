import { IdKind } from "../../jsonrpc/id";
import { mix } from "../../memory/bytes";

/** The key of a request within its session, from its JSON-RPC id and its sender. */
export function operationKey(kind: IdKind, id: u64, fromServer: bool): u64 {
  return mix(id ^ ((<u64>kind) << 8) ^ (<u64>fromServer));
}
