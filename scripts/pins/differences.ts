/** How the tools of a running server differ from their pins. */
import { pinOf } from "./pin.ts";
import type { Definition } from "./server.ts";

/** What is wrong with a tool: it has no pin, or a definition that cannot be pinned; another one than its pin is of; or the server does
 *  not list it. */
export type Difference = { readonly tool: string; readonly kind: "unpinned" | "changed" | "missing" };

/** Each tool that differs, once, in the order of the list; those that are missing last. */
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
