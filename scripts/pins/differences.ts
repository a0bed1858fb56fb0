/** The differences between the tools of a running server and their pins. */
import { pinOf } from "./pin.ts";
import type { Definition } from "./server.ts";

/**
 * What is wrong with a tool. `unpinned`: it has no pin, or its definition cannot be pinned. `changed`: its definition
 * is not the pinned one. `missing`: the server does not list it.
 */
export type Difference = { readonly tool: string; readonly kind: "unpinned" | "changed" | "missing" };

/** Each tool that differs, once, in the order of the list, followed by the missing ones. */
export function differencesOf(tools: readonly Definition[], pins: Readonly<Record<string, string>>): Difference[] {
  const found = new Map<string, Difference["kind"]>();
  for (const tool of tools) {
    const pin = pinOf(tool);
    const pinned = Object.hasOwn(pins, tool.name) ? pins[tool.name] : undefined;
    if (pin !== undefined && pin === pinned) continue;
    found.set(tool.name, pin === undefined || pinned === undefined ? "unpinned" : "changed");
  }
  const names = new Set(tools.map(({ name }) => name));
  for (const name of Object.keys(pins)) if (!names.has(name)) found.set(name, "missing");
  return [...found].map(([tool, kind]) => ({ tool, kind }));
}
