/** Generates answers with lists, both common and unusual ones: every kind of list, JSON in every notation, every framing. */
import { Random } from "../../../../scripts/fuzz/random.ts";
import { ALLOWED_START, DENIED_START, ELEMENT_LIMIT, type Kind, KINDS, METHODS, NAMED_BY } from "./kinds.ts";

/** The request for a list, and the server's answer. */
export interface ListAnswer {
  readonly kind: Kind;
  readonly request: string;
  readonly isEvents: boolean;
  readonly body: Buffer;
  /** One text for each element that must be withheld, which occurs in this element only. */
  readonly deniedMarks: readonly string[];
}

/** Restricts what is generated. By default, there are no restrictions. */
export interface ListOptions {
  readonly isEvents?: boolean;
  /** The maximum number of elements in a list. */
  readonly elements?: number;
  /** No list is ambiguous: no duplicate members, and no names that differ only in case. */
  readonly isPlain?: boolean;
}

/** Generates an answer from random numbers. */
export function listAnswer(random: Random, options: ListOptions = {}): ListAnswer {
  return new Generator(random, options).answer();
}

const GAPS = ["", "", "", "", " ", "\n", "\t", "  ", "\r\n", "\r", " \n  "];
/** JSON in event streams contains no carriage returns, because they end lines. */
const EVENT_GAPS = ["", "", "", "", " ", "\n", "\t", "  ", "\n\n", " \n  "];
const TEXTS = [
  ...["", "a", "plain words", "naïve café", "日本語の説明", "😀👩‍👩‍👧‍👦", "\u2028", "\ufeff", "\u007f", "\u00a0", "ﬀ"],
  ...['{"tools":[{"name":"keep"}]}', "]}", "},{", '","name":"keep"', "\\", '\\"', "//", "data: x", ": comment"],
];
const ESCAPES = [
  "\\n",
  "\\r\\n",
  "\\t",
  '\\"',
  "\\\\",
  "\\/",
  "\\u0000",
  "\\ud83d\\ude00",
  "\\ud800",
  "\\u00e9",
  "\\b\\f",
];
const NUMBERS = [
  "0",
  "-0",
  "1",
  "-1.50",
  "1e5",
  "1E+400",
  "0.10",
  "9007199254740993",
  "123456789012345678901234567890",
];
const EVENT_LINES = [
  "id: 7",
  "id:",
  "retry: 3000",
  ": ping",
  ":",
  "event: message",
  "event:message",
  "unknown: x",
  "data-x",
];

/** Members of definitions in addition to the name. */
const MEMBERS = [
  "title",
  "description",
  "inputSchema",
  "outputSchema",
  "annotations",
  "icons",
  "_meta",
  "mimeType",
  "tools",
];

class Generator {
  readonly #random: Random;
  readonly #isEvents: boolean;
  readonly #elements: number;
  readonly #isPlain: boolean;
  readonly #isSpaced: boolean;
  readonly #deniedMarks: string[] = [];
  #marks = 0;

  constructor(random: Random, { isEvents, isPlain = false, ...options }: ListOptions) {
    this.#random = random;
    this.#isEvents = isEvents ?? random.oneIn(2);
    this.#elements = options.elements ?? (random.oneIn(20) ? 40 : 6);
    this.#isPlain = isPlain;
    this.#isSpaced = random.oneIn(2);
  }

  answer(): ListAnswer {
    const random = this.#random;
    const kind = random.pick(KINDS);
    const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method: METHODS[kind], params: {} });
    const text = this.#isEvents ? this.#stream(kind) : this.#document(kind);
    return { kind, request, isEvents: this.#isEvents, body: Buffer.from(text), deniedMarks: this.#deniedMarks };
  }

  #document(kind: Kind): string {
    const random = this.#random;
    const text = this.#gap() + this.#messages(kind) + this.#gap();
    return !this.#isPlain && random.oneIn(30) ? `\ufeff${text}` : text;
  }

  /** A message, or several as a batch. */
  #messages(kind: Kind): string {
    if (!this.#random.oneIn(6)) return this.#answer(kind);
    const messages = Array.from({ length: 1 + this.#random.below(4) }, () => this.#anyMessage(kind));
    return this.#list([this.#answer(kind), ...messages]);
  }

  #anyMessage(kind: Kind): string {
    const random = this.#random;
    switch (random.below(5)) {
      case 0:
        return this.#object([
          ['"jsonrpc"', '"2.0"'],
          ['"id"', String(random.below(100))],
          [
            '"error"',
            this.#object([
              ['"code"', "-32601"],
              ['"message"', this.#string()],
              ['"data"', this.#value(2)],
            ]),
          ],
        ]);
      case 1:
        return this.#object([
          ['"jsonrpc"', '"2.0"'],
          ['"method"', '"notifications/message"'],
          [
            '"params"',
            this.#object([
              ['"level"', '"info"'],
              ['"data"', this.#value(3)],
            ]),
          ],
        ]);
      case 2:
        return this.#object([
          ['"jsonrpc"', '"2.0"'],
          ['"id"', String(random.below(100))],
          [
            '"result"',
            this.#object([
              ['"content"', "[]"],
              ['"structuredContent"', this.#decoy()],
            ]),
          ],
        ]);
      default:
        return this.#answer(random.oneIn(2) ? kind : random.pick(KINDS));
    }
  }

  /** An answer with a list and its members in random order. */
  #answer(kind: Kind): string {
    const random = this.#random;
    const members: [string, string][] = [
      ['"jsonrpc"', '"2.0"'],
      ['"id"', random.pick(["1", '"one"', '"\\u0031"'])],
      [this.#key("result"), this.#result(kind)],
    ];
    if (!this.#isPlain && random.oneIn(20)) members.push(['"result"', this.#result(kind)]);
    if (random.oneIn(6)) members.push(['"extra"', this.#decoy()]);
    return this.#object(this.#shuffled(members));
  }

  #result(kind: Kind): string {
    const random = this.#random;
    const members: [string, string][] = [[this.#key(kind), this.#elementsOf(kind)]];
    if (random.oneIn(2)) members.push(['"nextCursor"', this.#string()]);
    if (random.oneIn(3)) members.push(['"ttlMs"', random.pick(NUMBERS)]);
    if (random.oneIn(2))
      members.push([this.#key("cacheScope"), random.pick(['"public"', '"private"', '"public"', '"x"', "1"])]);
    if (random.oneIn(3)) members.push(['"_meta"', this.#decoy()]);
    if (random.oneIn(3)) members.push([`"x-${random.below(9)}"`, this.#value(3)]);
    if (random.oneIn(8)) {
      const other = random.pick(KINDS);
      if (other !== kind) members.push([this.#key(other), this.#elementsOf(other)]);
    }
    if (!this.#isPlain && random.oneIn(20)) members.push([this.#key(kind), this.#elementsOf(kind)]);
    return this.#object(this.#shuffled(members));
  }

  #elementsOf(kind: Kind): string {
    const random = this.#random;
    const count = random.oneIn(6) ? 0 : random.size(1, this.#elements);
    return this.#list(Array.from({ length: count }, () => this.#element(kind)));
  }

  /** An element that must be withheld or kept. */
  #element(kind: Kind): string {
    const random = this.#random;
    const shape = this.#isPlain ? 20 : random.below(40);
    if (shape === 0) return this.#noObject();
    const denied = random.oneIn(2);
    const mark = this.#mark();
    const named = NAMED_BY[kind];
    const name = this.#name(kind, denied, mark);
    const members: [string, string][] = this.#members(mark);
    // An element is unambiguous only if it has one name, which is a string.
    let isClear = true;
    if (shape < 9) isClear = false;
    switch (shape) {
      case 1:
        members.push([this.#named(named), this.#name(kind, random.oneIn(2), mark)], [this.#named(named), name]);
        break;
      case 2:
        members.push(
          [`"${caseVariant(random, named)}"`, this.#name(kind, random.oneIn(2), mark)],
          [`"${named}"`, name],
        );
        break;
      case 3:
        // No name at all.
        break;
      case 4:
        members.push([`"${named}"`, random.pick(["null", "5", "true", `["${mark}"]`, `{"name":"${mark}"}`])]);
        break;
      case 5:
        members.push([`"${caseVariant(random, named)}"`, this.#name(kind, false, mark)]);
        break;
      case 6:
        members.push([this.#named(named), name]);
        isClear = !random.oneIn(6);
        if (!isClear) members.push(['"description"', `"${mark}${"x".repeat(ELEMENT_LIMIT)}"`]);
        break;
      case 7:
        members.push([`"${named}"`, this.#name(kind, false, mark)], [`"${named}"`, this.#name(kind, false, mark)]);
        break;
      case 8:
        members.push([
          `"${named}"`,
          `"${ALLOWED_START[kind]}${mark}${random.pick(["\\u0000", "\\ud800", "\\udc00\\ud800"])}"`,
        ]);
        break;
      default:
        members.push([this.#named(named), name]);
        break;
    }
    if (denied || !isClear) this.#deniedMarks.push(mark);
    return this.#object(random.oneIn(4) ? members : this.#shuffled(members));
  }

  #noObject(): string {
    const mark = this.#mark();
    this.#deniedMarks.push(mark);
    return this.#random.pick([`"${mark}"`, `["${mark}"]`, `[{"name":"keep","x":"${mark}"}]`, `"deny\\n${mark}"`]);
  }

  /** Members of a definition, with the mark in several places. */
  #members(mark: string): [string, string][] {
    const random = this.#random;
    const members: [string, string][] = [['"description"', `"${mark}"`]];
    while (!random.oneIn(3)) {
      const value = random.oneIn(2)
        ? this.#value(4)
        : this.#object([
            ['"x"', `"${mark}"`],
            ['"name"', '"deny_inside"'],
          ]);
      members.push([`"${random.pick(MEMBERS)}_${members.length}"`, value]);
    }
    if (random.oneIn(3)) members.push([`"x${mark}"`, this.#decoy()]);
    return members;
  }

  /** A JSON string with a name, including its quotes. */
  #name(kind: Kind, denied: boolean, mark: string): string {
    const random = this.#random;
    const start = (denied ? DENIED_START : ALLOWED_START)[kind];
    const tail = kind === "tools" || kind === "prompts" ? random.pick(["", "_é", "_日本", "-😀", ".x", "/y"]) : "";
    const name = `${start}_${mark}${tail}`;
    return random.oneIn(3) ? `"${this.#escaped(name)}"` : `"${name}"`;
  }

  /** A key with quotes, in one of several notations of the same key. */
  #named(name: string): string {
    return this.#random.oneIn(6) ? `"${this.#escaped(name)}"` : `"${name}"`;
  }

  /** A key with quotes, in one of its notations, or a key that some parsers treat as the same. */
  #key(name: string): string {
    if (!this.#isPlain && this.#random.oneIn(40)) return `"${caseVariant(this.#random, name)}"`;
    return this.#random.oneIn(6) ? `"${this.#escaped(name)}"` : `"${name}"`;
  }

  /** Replaces some characters by escape sequences, except in marks, which reveal leaks. */
  #escaped(text: string): string {
    const from = text.search(MARK);
    return Array.from(text, (character, at) => {
      const isMark = from >= 0 && at >= from && at < from + MARK_LENGTH;
      if (isMark || character.length > 1 || !this.#random.oneIn(3)) return character;
      if (character === "/") return "\\/";
      const digits = character.charCodeAt(0).toString(16).padStart(4, "0");
      return `\\u${this.#random.oneIn(2) ? digits : digits.toUpperCase()}`;
    }).join("");
  }

  /** Values that look like lists, in places where they are not lists. */
  #decoy(): string {
    return this.#object([
      ['"tools"', this.#list([this.#object([['"name"', '"deny_decoy"']]), "1", this.#value(1)])],
      [
        '"result"',
        this.#object([
          ['"prompts"', this.#list(['{"name":"deny_decoy"}'])],
          ['"cacheScope"', '"public"'],
        ]),
      ],
    ]);
  }

  #value(depth: number): string {
    const random = this.#random;
    switch (random.below(depth > 0 ? 8 : 5)) {
      case 0:
        return random.pick(NUMBERS);
      case 1:
        return random.pick(["true", "false", "null", "[]", "{}"]);
      case 5:
        return this.#list(Array.from({ length: random.below(4) }, () => this.#value(depth - 1)));
      case 6:
        return this.#object(Array.from({ length: random.below(4) }, () => [this.#string(), this.#value(depth - 1)]));
      case 7:
        return random.oneIn(30) ? `${"[".repeat(200)}${"]".repeat(200)}` : this.#decoyName();
      default:
        return this.#string();
    }
  }

  #decoyName(): string {
    return this.#object([
      ['"name"', this.#random.pick(['"deny"', '"keep"'])],
      ['"uri"', '"secret://deny/x"'],
    ]);
  }

  #string(): string {
    const random = this.#random;
    let text = "";
    do text += random.oneIn(2) ? JSON.stringify(random.pick(TEXTS)).slice(1, -1) : random.pick(ESCAPES);
    while (random.oneIn(2));
    return `"${random.oneIn(60) ? text + "é".repeat(random.size(10, 2000)) : text}"`;
  }

  #object(members: readonly (readonly [string, string])[]): string {
    const gap = () => this.#gap();
    return `{${members.map(([key, value]) => `${gap()}${key}${gap()}:${gap()}${value}${gap()}`).join(",") || gap()}}`;
  }

  #list(items: readonly string[]): string {
    return `[${items.map((item) => this.#gap() + item + this.#gap()).join(",") || this.#gap()}]`;
  }

  #gap(): string {
    if (!this.#isSpaced) return "";
    return this.#random.pick(this.#isEvents ? EVENT_GAPS : GAPS);
  }

  #mark(): string {
    const number = this.#random.next().toString(36).padStart(7, "0");
    return `ZQ${number}${String(this.#marks++ % 10_000).padStart(4, "0")}`;
  }

  #shuffled<Item>(items: Item[]): Item[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.#random.below(at + 1);
      [items[at], items[other]] = [items[other], items[at]];
    }
    return items;
  }

  /** An event stream with several events, at least one of them with a list. */
  #stream(kind: Kind): string {
    const random = this.#random;
    const end = random.pick(["\n", "\r\n", "\r"]);
    const isMixed = random.oneIn(10);
    const eol = () => (isMixed ? random.pick(["\n", "\r\n"]) : end);
    let text = random.oneIn(20) ? "\ufeff" : "";
    const lists = 1 + (random.oneIn(3) ? random.below(3) : 0);
    for (let i = 0; i < lists; i++) {
      while (random.oneIn(3)) text += this.#event(this.#anyMessage(kind), eol);
      while (random.oneIn(4)) text += random.pick(EVENT_LINES) + eol();
      text += this.#event(i === 0 ? this.#messages(kind) : this.#anyMessage(kind), eol);
    }
    return text;
  }

  #event(message: string, eol: () => string): string {
    const random = this.#random;
    const space = random.oneIn(3) ? "" : " ";
    const before: string[] = [];
    const after: string[] = [];
    while (random.oneIn(3)) (random.oneIn(2) ? before : after).push(random.pick(EVENT_LINES));
    const data = message.split("\n").flatMap((line) => {
      const between = this.#isSpaced && random.oneIn(8) ? [random.pick([": comment", "id: 8"])] : [];
      return [...between, `data:${space}${line}`];
    });
    return [...before, ...data, ...after, ""].map((line) => line + eol()).join("");
  }
}

const MARK_LENGTH = 13;
const MARK = /ZQ[0-9a-z]{7}\d{4}/;

function caseVariant(random: Random, name: string): string {
  const folded = name.replace("s", "\u017f");
  return random.pick([
    name.toUpperCase(),
    name[0].toUpperCase() + name.slice(1),
    folded === name ? name.toUpperCase() : folded,
  ]);
}
