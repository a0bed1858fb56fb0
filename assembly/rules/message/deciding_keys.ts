import { Key } from "./keys";

/** Indices under which the values of deciding members are kept. */
export enum MemberSlot {
  /** The message itself. */
  Message,
  JsonRpc,
  Method,
  Id,
  Result,
  Error,
  Params,
  Name,
  Uri,
  Ref,
  RefType,
  RefName,
  RefUri,
  TaskId,
  Meta,
  MetaVersion,
  MetaClient,
  MetaClientName,
  /** Decides nothing: see {@link Key.isObserved}. */
  MetaTraceparent,
  ClientInfo,
  ClientInfoName,
  ProtocolVersion,
  InputResponses,
  Notifications,
  /** A list: see {@link StrictReader.itemCount}. */
  Subscriptions,
  Arguments,
  /** The first of the arguments that a policy names. */
  FirstArgument,
}

/**
 * The deciding members of messages (2026-07-28, basic/index; initialize: 2025-11-25, basic/lifecycle), and the
 * arguments that a policy names.
 */
export class DecidingKeys {
  readonly message: Key;
  private arguments: Key;
  /** The paths of the arguments, in the order of their slots. */
  private paths: string[] = [];

  constructor() {
    const message = new Key("", MemberSlot.Message, 0);
    message.add("jsonrpc", MemberSlot.JsonRpc);
    message.add("method", MemberSlot.Method);
    message.add("id", MemberSlot.Id);
    message.add("result", MemberSlot.Result);
    message.add("error", MemberSlot.Error);
    const params = message.add("params", MemberSlot.Params);
    params.add("name", MemberSlot.Name);
    params.add("uri", MemberSlot.Uri);
    const ref = params.add("ref", MemberSlot.Ref);
    ref.add("type", MemberSlot.RefType);
    ref.add("name", MemberSlot.RefName);
    ref.add("uri", MemberSlot.RefUri);
    params.add("taskId", MemberSlot.TaskId);
    const meta = params.add("_meta", MemberSlot.Meta);
    meta.add("io.modelcontextprotocol/protocolVersion", MemberSlot.MetaVersion);
    meta.add("io.modelcontextprotocol/clientInfo", MemberSlot.MetaClient).add("name", MemberSlot.MetaClientName);
    meta.add("traceparent", MemberSlot.MetaTraceparent).isObserved = true;
    params.add("clientInfo", MemberSlot.ClientInfo).add("name", MemberSlot.ClientInfoName);
    params.add("protocolVersion", MemberSlot.ProtocolVersion);
    params.add("inputResponses", MemberSlot.InputResponses);
    const notifications = params.add("notifications", MemberSlot.Notifications);
    notifications.add("resourceSubscriptions", MemberSlot.Subscriptions).isList = true;
    this.message = message;
    this.arguments = params.add("arguments", MemberSlot.Arguments);
  }

  /** The slot after the last one in use. */
  get end(): i32 {
    return MemberSlot.FirstArgument + this.paths.length;
  }

  /** Makes the argument at this path, and the objects around it, deciding. Returns the argument's slot. */
  argument(path: string[]): i32 {
    let key = this.arguments;
    for (let i = 0; i < path.length; i++) {
      const known = key.named(path[i]);
      key = known ? known : key.add(path[i], this.nextSlot(path.slice(0, i + 1).join(".")));
    }
    return key.slot;
  }

  /** The path of the argument in this slot, separated by dots. */
  argumentPath(slot: i32): string {
    return this.paths[slot - MemberSlot.FirstArgument];
  }

  private nextSlot(path: string): i32 {
    const slot = this.end;
    this.paths.push(path);
    return slot;
  }
}
