import { Key } from "./keys";

/** Indices under which the values of deciding members are kept. */
export enum Slot {
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
    const message = new Key("", Slot.Message, 0);
    message.add("jsonrpc", Slot.JsonRpc);
    message.add("method", Slot.Method);
    message.add("id", Slot.Id);
    message.add("result", Slot.Result);
    message.add("error", Slot.Error);
    const params = message.add("params", Slot.Params);
    params.add("name", Slot.Name);
    params.add("uri", Slot.Uri);
    const ref = params.add("ref", Slot.Ref);
    ref.add("type", Slot.RefType);
    ref.add("name", Slot.RefName);
    ref.add("uri", Slot.RefUri);
    params.add("taskId", Slot.TaskId);
    const meta = params.add("_meta", Slot.Meta);
    meta.add("io.modelcontextprotocol/protocolVersion", Slot.MetaVersion);
    meta.add("io.modelcontextprotocol/clientInfo", Slot.MetaClient).add("name", Slot.MetaClientName);
    meta.add("traceparent", Slot.MetaTraceparent).isObserved = true;
    params.add("clientInfo", Slot.ClientInfo).add("name", Slot.ClientInfoName);
    params.add("protocolVersion", Slot.ProtocolVersion);
    params.add("inputResponses", Slot.InputResponses);
    const notifications = params.add("notifications", Slot.Notifications);
    notifications.add("resourceSubscriptions", Slot.Subscriptions).isList = true;
    this.message = message;
    this.arguments = params.add("arguments", Slot.Arguments);
  }

  /** The slot after the last one in use. */
  get end(): i32 {
    return Slot.FirstArgument + this.paths.length;
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
    return this.paths[slot - Slot.FirstArgument];
  }

  private nextSlot(path: string): i32 {
    const slot = this.end;
    this.paths.push(path);
    return slot;
  }
}
