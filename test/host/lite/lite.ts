/** The build for plain hosts, on the imitation of Google Cloud's Service Extensions. */
import { readFileSync } from "node:fs";
import { google, loadModule, type Plugin, Vm, type VmOptions } from "../../../scripts/host/index.ts";

export const LITE_MODULE = "build/mcp-lite.wasm";

/** One plugin instance of the build, alone in a VM of its own. `configuration` is merged with that which writes a line for each
 *  message. */
export function startLite(configuration: object = {}, options: VmOptions = {}): Plugin {
  const vm = new Vm(loadModule(LITE_MODULE), { ...options, host: google() });
  return vm.plugin({
    configuration: { role: "server", log: "info", logFields: true, match: { paths: ["/mcp"] }, ...configuration },
  });
}

/** The configuration in a file of envoy/google. */
export function shippedConfiguration(file: string): object {
  return JSON.parse(readFileSync(`envoy/google/${file}`, "utf8")) as object;
}

/** A line that the build has logged, as JSON. */
export type Line = Record<string, string | number>;

/** The lines about messages, or with this event, oldest first. */
export function linesOf(plugin: Plugin, event = "mcp_message"): Line[] {
  const lines = plugin.vm.logs.filter(({ message }) => message.startsWith("{"));
  return lines.map(({ message }) => JSON.parse(message) as Line).filter((line) => line.event === event);
}

/** The values of some members of the lines about messages, as short texts. */
export function shortLines(plugin: Plugin, ...members: string[]): string[] {
  return linesOf(plugin).map((line) => members.map((member) => String(line[member] ?? "-")).join(" "));
}
