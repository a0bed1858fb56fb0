/** Runs the module itself on a plugin configuration. */
import { fileURLToPath } from "node:url";
import { loadModule, Vm } from "../host/index.ts";

/** An error or warning in the filter's words: `access.mode: expected …`. */
export interface Report {
  readonly severity: "error" | "warning";
  readonly text: string;
}

const MODULE = fileURLToPath(new URL("../../build/mcp.wasm", import.meta.url));
/** A line about a configuration. The instance is as the configuration names it, so it may contain anything. */
const LINE = /^(invalid )?configuration \(instance ".*?"\): (.*)$/s;

/** Everything that the filter reports about a configuration of these bytes, in its order. */
export function askFilter(bytes: Uint8Array): Report[] {
  // A VM of its own, because a module keeps valid configurations for later ones.
  const vm = new Vm(loadModule(MODULE));
  vm.plugin({ name: "mcp", rootId: "mcp", configuration: bytes });
  return vm.logs.flatMap(({ message }): Report[] => {
    const match = LINE.exec(message);
    return match === null ? [] : [{ severity: match[1] === undefined ? "warning" : "error", text: match[2] }];
  });
}
