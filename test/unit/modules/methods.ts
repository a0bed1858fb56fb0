import { Method, TargetKind, methodName, methodOf, targetKind } from "../../../assembly/mcp/protocol/methods";

export { allocate } from "./common/allocate";

export const first: i32 = Method.Initialize;
export const last: i32 = Method.NotificationsTasks;

export function find(at: usize, length: u32): Method {
  return methodOf(at, length);
}

export function name(method: Method): string {
  return methodName(method);
}

export function target(method: Method): TargetKind {
  return targetKind(method);
}
