/** An independent implementation of the edits, which defines the expected results: it reads answers byte by byte. Member names
 *  are compared without regard to case, as some clients do. */
import { DENIED_START, ELEMENT_LIMIT, type Kind, KINDS, NAMED_BY } from "./kinds.ts";

/** Whether an element is withheld. */
export type Withholds = (kind: Kind, element: Value, text: Uint8Array) => boolean;

/** A JSON value and its range of bytes. */
export interface Value {
  readonly type: "object" | "array" | "string" | "other";
  readonly from: number;
  readonly to: number;
  readonly members: readonly { readonly key: string; readonly value: Value }[];
  readonly items: readonly Value[];
  /** The offsets of the commas between the items. */
  readonly commas: readonly number[];
}

/** The answer that the client receives: without the withheld elements, and without one comma for each of them. */
export function edited(body: Uint8Array, isEvents: boolean, withholds: Withholds = isWithheld): Buffer {
  if (!isEvents) return applied(body, editsOf(body, skipsMark(body), withholds));
  const edits: Edit[] = [];
  for (const { data, places } of eventsOf(body)) {
    for (const { from, to, put } of editsOf(data, 0, withholds)) {
      if (put !== undefined) {
        edits.push({ from: places[from], to: places[to - 1] + 1, put });
        continue;
      }
      // The framing of the lines is kept.
      for (let at = from; at < to; at++) {
        if (places[at] >= 0) edits.push({ from: places[at], to: places[at] + 1 });
      }
    }
  }
  return applied(body, edits);
}

/** Whether the tests' policy denies an element, or the element is ambiguous or too large. */
export function isWithheld(kind: Kind, element: Value, text: Uint8Array): boolean {
  if (element.to - element.from > ELEMENT_LIMIT) return true;
  return nameOf(kind, element, text)?.startsWith(DENIED_START[kind]) ?? true;
}

/** The name by which clients request an element; undefined if it is ambiguous. */
export function nameOf(kind: Kind, element: Value, text: Uint8Array): string | undefined {
  const named = NAMED_BY[kind];
  const names = element.members.filter(({ key }) => folded(key) === folded(named));
  if (names.length !== 1 || names[0].key !== named || names[0].value.type !== "string") return undefined;
  const name = stringAt(text, names[0].value);
  // Some parsers end a text at a NUL, and a surrogate without its partner is not valid Unicode.
  return name.includes("\0") || !isWellFormed(name) ? undefined : name;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** A range of bytes that is removed or replaced. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly put?: string;
}

function applied(body: Uint8Array, edits: readonly Edit[]): Buffer {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { from, to, put } of edits.toSorted((a, b) => a.from - b.from)) {
    parts.push(body.subarray(at, from));
    if (put !== undefined) parts.push(Buffer.from(put));
    at = to;
  }
  return Buffer.concat([...parts, body.subarray(at)]);
}

/** The edits of a JSON text. */
function editsOf(text: Uint8Array, from: number, withholds: Withholds): Edit[] {
  const root = new Reader(text, from).document();
  if (root === undefined) return [];
  const edits: Edit[] = [];
  for (const message of root.type === "array" ? root.items : [root]) {
    for (const { key, value } of message.members) {
      if (folded(key) === "result") edits.push(...resultEdits(text, value, withholds));
    }
  }
  return edits;
}

function resultEdits(text: Uint8Array, result: Value, withholds: Withholds): Edit[] {
  const lists = result.members.flatMap(({ key, value }) => {
    const kind = KINDS.find((each) => folded(each) === folded(key));
    return kind !== undefined && value.type === "array" ? [{ kind, value }] : [];
  });
  const edits = lists.flatMap(({ kind, value }) => listEdits(text, kind, value, withholds));
  for (const { key, value } of result.members) {
    if (folded(key) === "cachescope" && value.type === "string" && stringAt(text, value) === "public") {
      edits.push({ from: value.from, to: value.to, put: '"private"' });
    }
  }
  return edits;
}

function listEdits(text: Uint8Array, kind: Kind, { items, commas }: Value, withholds: Withholds): Edit[] {
  const edits: Edit[] = [];
  let hasKept = false;
  items.forEach((item, index) => {
    if (!withholds(kind, item, text)) {
      hasKept = true;
      return;
    }
    edits.push({ from: item.from, to: item.to });
    const comma = hasKept ? commas[index - 1] : commas[index];
    if (comma !== undefined) edits.push({ from: comma, to: comma + 1 });
  });
  return edits;
}

function stringAt(text: Uint8Array, { from, to }: Value): string {
  return JSON.parse(Buffer.from(text.subarray(from, to)).toString()) as string;
}

/** A name folded as Go's encoding/json compares names. */
function folded(name: string): string {
  return name.replaceAll("\u017f", "s").toLowerCase();
}

function skipsMark(text: Uint8Array): number {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const NOTHING = { members: [], items: [], commas: [] };

/** A parser for valid JSON. */
class Reader {
  readonly #text: Uint8Array;
  #at: number;

  constructor(text: Uint8Array, at: number) {
    this.#text = text;
    this.#at = at;
  }

  /** Reads the document. Returns undefined if it is not JSON. */
  document(): Value | undefined {
    try {
      JSON.parse(Buffer.from(this.#text.subarray(this.#at)).toString());
    } catch {
      return undefined;
    }
    return this.#value();
  }

  #value(): Value {
    this.#skipSpace();
    const from = this.#at;
    switch (String.fromCharCode(this.#text[from])) {
      case "{":
        return this.#object(from);
      case "[":
        return this.#array(from);
      case '"':
        return this.#string(from);
      default:
        while (this.#at < this.#text.length && /[\w.+-]/.test(String.fromCharCode(this.#text[this.#at]))) this.#at++;
        return { type: "other", from, to: this.#at, ...NOTHING };
    }
  }

  #string(from: number): Value {
    for (this.#at++; this.#text[this.#at] !== QUOTE; this.#at++) if (this.#text[this.#at] === BACKSLASH) this.#at++;
    return { type: "string", from, to: ++this.#at, ...NOTHING };
  }

  #object(from: number): Value {
    const members: { key: string; value: Value }[] = [];
    this.#each("}", () => {
      const key = this.#value();
      this.#skipSpace();
      this.#at++;
      members.push({ key: stringAt(this.#text, key), value: this.#value() });
    });
    return { ...NOTHING, type: "object", from, to: this.#at, members };
  }

  #array(from: number): Value {
    const items: Value[] = [];
    const commas = this.#each("]", () => items.push(this.#value()));
    return { ...NOTHING, type: "array", from, to: this.#at, items, commas };
  }

  /** Reads the contents between brackets. Returns the offsets of the commas. */
  #each(close: string, read: () => void): number[] {
    const commas: number[] = [];
    const end = close.charCodeAt(0);
    this.#at++;
    this.#skipSpace();
    while (this.#text[this.#at] !== end) {
      if (this.#text[this.#at] === COMMA) commas.push(this.#at++);
      else read();
      this.#skipSpace();
    }
    this.#at++;
    return commas;
  }

  #skipSpace(): void {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.#text[this.#at])) this.#at++;
  }
}

/** The data of an event, and the offset of each of its bytes in the stream: -1 for line feeds that join lines. */
interface EventData {
  readonly data: Uint8Array;
  readonly places: readonly number[];
}

const [LF, CR, COLON, SPACE] = [0x0a, 0x0d, 0x3a, 0x20];

function eventsOf(body: Uint8Array): EventData[] {
  const events: EventData[] = [];
  let data: number[] = [];
  let places: number[] = [];
  let hasData = false;
  for (let at = skipsMark(body); at < body.length;) {
    let to = at;
    while (to < body.length && body[to] !== LF && body[to] !== CR) to++;
    if (to === at) {
      if (hasData) events.push({ data: Uint8Array.from(data), places });
      [data, places, hasData] = [[], [], false];
    } else if (isData(body.subarray(at, to))) {
      if (hasData) {
        data.push(LF);
        places.push(-1);
      }
      hasData = true;
      let from = at + 4;
      if (body[from] === COLON) from++;
      if (from < to && body[from] === SPACE) from++;
      for (let place = from; place < to; place++) {
        data.push(body[place]);
        places.push(place);
      }
    }
    at = body[to] === CR && body[to + 1] === LF ? to + 2 : to + 1;
  }
  if (hasData) events.push({ data: Uint8Array.from(data), places });
  return events;
}

function isData(line: Uint8Array): boolean {
  const name = Buffer.from(line.subarray(0, 4)).toString("latin1");
  return name === "data" && (line.length === 4 || line[4] === COLON);
}
