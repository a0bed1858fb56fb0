/** Pins in files: the output of the command, and plugin configurations. */

/** An entry of `access.pins`. */
export interface PinEntry {
  readonly servers?: readonly string[];
  readonly mode?: string;
  readonly tools: Readonly<Record<string, string>>;
}

/** The part of the plugin's configuration that has pins. */
export function configurationOf(name: string | undefined, tools: Readonly<Record<string, string>>): object {
  const servers = name === undefined ? {} : { servers: [name] };
  return { access: { pins: [{ ...servers, mode: "observe", tools }] } };
}

/**
 * The pins of a server in a file's text: a plugin configuration, `access`, its `pins`, one of their entries, or only
 * the tools. Throws if there are none.
 */
export function pinsIn(text: string, name: string | undefined): Readonly<Record<string, string>> {
  const entries = entriesOf(JSON.parse(text));
  if (entries === undefined) throw new Error("it has no pins");
  const about = entries.filter(({ servers }) => servers === undefined || name === undefined || servers.includes(name));
  if (about.length === 1) return about[0].tools;
  if (about.length > 1) throw new Error("it has pins of several servers: --name says which one this is");
  throw new Error(`it has no pins of the server ${JSON.stringify(name)}`);
}

function entriesOf(value: unknown): readonly PinEntry[] | undefined {
  if (Array.isArray(value)) return value.every(isEntry) ? value : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if (isEntry(value)) return [value];
  if (isTools(value)) return [{ tools: value }];
  const { access, pins } = value as { access?: unknown; pins?: unknown };
  return entriesOf(pins ?? access);
}

function isEntry(value: unknown): value is PinEntry {
  if (typeof value !== "object" || value === null) return false;
  const { servers, tools } = value as Partial<Record<keyof PinEntry, unknown>>;
  const areServers =
    servers === undefined || (Array.isArray(servers) && servers.every((name) => typeof name === "string"));
  return areServers && isTools(tools);
}

function isTools(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const pins = Object.values(value);
  return pins.length > 0 && pins.every((pin) => typeof pin === "string" && /^[0-9a-f]{64}$/.test(pin));
}
