/** Configurations of NGINX as trees, and the directives of ngx_wasm_module in them, which Debian's NGINX does not know. */

/** A directive with its place in the text. */
export interface Directive {
  name: string;
  args: string[];
  /** The directives in its braces. */
  block?: Directive[];
  start: number;
  end: number;
}

const TOKEN = /\s+|#.*|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|([{};])|((?:\\.|[^\s;{}\\])+)/gy;

/** Parses the text of an nginx.conf. Throws if it ends in a block or a directive. */
export function parseConf(text: string): Directive[] {
  const top: Directive = { name: "main", args: [], block: [], start: 0, end: text.length };
  const open = [top];
  let words: string[] = [];
  let start = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, single, double, mark, plain] = match;
    const word = single ?? double ?? plain;
    if (words.length === 0 && word !== undefined) start = match.index;
    if (word !== undefined) words.push(word);
    if (mark === "}") open.pop()!.end = match.index + token.length;
    if (mark !== ";" && mark !== "{") continue;
    const [name, ...args] = words;
    const directive: Directive = { name, args, start, end: match.index + token.length };
    if (mark === "{") directive.block = [];
    open.at(-1).block!.push(directive);
    if (mark === "{") open.push(directive);
    words = [];
  }
  if (open.length !== 1 || words.length > 0) throw new Error("nginx.conf is incomplete");
  return top.block!;
}

/** All directives of a name, at any depth, in their order. */
export function findAll(directives: readonly Directive[], name: string): Directive[] {
  return directives.flatMap((one) => [...(one.name === name ? [one] : []), ...findAll(one.block ?? [], name)]);
}

/** Where a directive may stand, and what its arguments look like. The last `optional` arguments may be missing. */
interface Rule {
  contexts: string[];
  args: RegExp[];
  optional?: number;
}

const NAME = /^[^\s:]+$/;
const SIZE = /^\d+[km]?$/i;
const HTTP = ["http", "server", "location"];

/** From docs/DIRECTIVES.md of ngx_wasm_module (3bed278): those that our file needs, and its neighbours. */
const RULES: Record<string, Rule> = {
  wasm: { contexts: ["main"], args: [] },
  module: { contexts: ["wasm"], args: [NAME, /\.(wasm|wat)$/, /./s], optional: 1 },
  shm_kv: { contexts: ["wasm"], args: [NAME, SIZE, /^eviction=(slru|lru|none)$/], optional: 1 },
  shm_queue: { contexts: ["wasm"], args: [NAME, SIZE] },
  metrics: { contexts: ["wasm"], args: [] },
  slab_size: { contexts: ["metrics"], args: [SIZE] },
  max_metric_name_length: { contexts: ["metrics"], args: [/^\d+$/] },
  proxy_wasm: { contexts: HTTP, args: [NAME, /./s], optional: 1 },
  proxy_wasm_isolation: { contexts: HTTP, args: [/^(none|stream|filter)$/] },
};

/** What is wrong with the directives of ngx_wasm_module, by their names. */
export function wasmFaults(directives: readonly Directive[], context = "main"): string[] {
  return directives.flatMap(({ name, args, block }) => {
    const rule = RULES[name] as (typeof RULES)[string] | undefined;
    const inner = wasmFaults(block ?? [], name);
    if (rule === undefined) return context === "wasm" || context === "metrics" ? [name, ...inner] : inner;
    const isCount = args.length <= rule.args.length && args.length >= rule.args.length - (rule.optional ?? 0);
    const isRight = rule.contexts.includes(context) && isCount && args.every((arg, i) => rule.args[i].test(arg));
    return isRight ? inner : [name, ...inner];
  });
}

/** The text without the directives of ngx_wasm_module. */
export function withoutWasm(text: string): string {
  const names = Object.keys(RULES);
  const outermost = (directives: readonly Directive[]): Directive[] =>
    directives.flatMap((one) => (names.includes(one.name) ? [one] : outermost(one.block ?? [])));
  let rest = text;
  for (const { start, end } of outermost(parseConf(text)).reverse()) rest = rest.slice(0, start) + rest.slice(end);
  return rest;
}

/** A size such as `512k`, in bytes. */
export function bytesOf(size: string): number {
  const factor = { k: 1024, m: 1024 * 1024 }[size.at(-1).toLowerCase()] ?? 1;
  return parseInt(size, 10) * factor;
}
