import { ConfigReader } from "../../../assembly/config/plugin_config";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "number")
declare function traceNumber(field: string, value: i32): void;

// @ts-ignore: decorator
@external("trace", "text")
declare function traceText(field: string, value: string): void;

// @ts-ignore: decorator
@external("trace", "item")
declare function traceItem(field: string, item: string): void;

export function read(at: usize, length: usize): void {
  const reader = new ConfigReader();
  reader.read(at, length);
  const config = reader.config;
  traceText("instance", config.instance);
  traceText("server", config.server);
  traceText("role", config.role);
  traceNumber("maxTools", config.maxTools);
  traceNumber("maxServers", config.maxServers);
  traceNumber("sessionIdleSeconds", config.sessionIdleSeconds);
  traceNumber("maxSessions", config.maxSessions);
  traceNumber("labelCaller", config.labelCaller ? 1 : 0);
  traceNumber("estimateTokens", config.estimateTokens ? 1 : 0);
  traceText("tokenScale", config.tokenScale.toString());
  traceText("maxTokenBytes", config.maxTokenBytes.toString());
  traceNumber("logLevel", config.logLevel);
  traceItems("matchPaths", config.matchPaths);
  traceItems("tools", config.tools);
  traceItems("callerHeaders", config.callerHeaders);
  traceItems("errors", reader.errors);
  traceItems("warnings", reader.warnings);
}

function traceItems(field: string, items: string[]): void {
  for (let i = 0; i < items.length; i++) traceItem(field, items[i]);
}
