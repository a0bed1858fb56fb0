import { TestModule } from "../module.ts";

/** Bits of what is edited: see `assembly/edit/response/list_kind.ts`. */
export const TOOLS = 1;
export const PROMPTS = 2;
export const RESOURCES = 4;
export const TEMPLATES = 8;
export const LISTS = 15;
export const SERVER_REQUESTS = 16;
export const REWRITTEN_REQUESTS = 32;

interface Exports {
  open(isEventStream: boolean, edited: number, withheld: number, watched: number, asked: number): void;
  close(): void;
  read(at: number, length: number): number;
  outputAt(): number;
  outputLength(): number;
  unread(): number;
}

export interface Element {
  readonly kind: number;
  readonly name: string;
  readonly isClear: boolean;
  /** Its text; undefined where it is too large. */
  readonly text: string | undefined;
}

export interface Edited {
  /** What the client gets. */
  readonly text: string;
  /** What it gets with each chunk. */
  readonly parts: readonly string[];
  /** Whether the bytes of any chunk were changed. */
  readonly hasChanged: boolean;
  readonly elements: readonly Element[];
  readonly unread: number;
}

export interface Editing {
  readonly isEventStream?: boolean;
  readonly edited?: number;
  readonly withheld?: number;
  readonly watched?: number;
  readonly isAsked?: boolean;
}

let elements: Element[] = [];
const module = new TestModule<Exports>("response_editor", {
  element: (kind: number, name: number, nameLength: number, isClear: number, at: number, length: number): void => {
    const text = at === 0 ? undefined : module.bytes(at, length).toString();
    elements.push({ kind, name: module.bytes(name, nameLength).toString(), isClear: isClear !== 0, text });
  },
});

/** Edits a response that comes in these chunks. */
export function edit(chunks: Iterable<Uint8Array>, editing: Editing = {}): Edited {
  const { isEventStream = false, edited = LISTS, watched = 0, isAsked = true } = editing;
  const { withheld = edited & LISTS } = editing;
  const { exports } = module;
  elements = [];
  exports.open(isEventStream, edited, withheld, watched, isAsked ? LISTS : 0);
  const parts: string[] = [];
  let hasChanged = false;
  for (const chunk of chunks) {
    const isChanged = module.lend(chunk, (at, length) => exports.read(at, length)) !== 0;
    const output = module.bytes(exports.outputAt(), exports.outputLength()).toString("latin1");
    if (!isChanged && output !== Buffer.from(chunk).toString("latin1")) throw new Error("a change is not reported");
    hasChanged ||= isChanged;
    parts.push(output);
  }
  const unread = exports.unread();
  exports.close();
  const text = Buffer.from(parts.join(""), "latin1").toString();
  return { text, parts, hasChanged, elements, unread };
}
