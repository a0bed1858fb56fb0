/** The directives of an nginx.conf, as NGINX's own lexer separates them. */

/** A directive: its words, the first of which is its name, and the directives in its block. */
export interface Directive {
  readonly words: readonly string[];
  readonly block?: readonly Directive[];
}

const TOKEN = /\s+|#[^\n]*|([{};])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s{};'"#][^\s{};]*)/gy;

/** Parses a configuration. */
export function parseConf(text: string): Directive[] {
  const root: Directive[] = [];
  const open: Directive[][] = [root];
  let words: string[] = [];
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`nginx.conf: no token at ${JSON.stringify(text.slice(at, at + 30))}`);
    const [, sign, single, double, bare] = match;
    const word = single ?? double ?? bare;
    if (word !== undefined) words.push(word);
    if (sign === ";") open.at(-1).push({ words });
    if (sign === "{") {
      const block: Directive[] = [];
      open.at(-1).push({ words, block });
      open.push(block);
    }
    if (sign === "}") open.pop();
    if (sign !== undefined) words = [];
  }
  if (open.length !== 1 || words.length > 0) throw new Error("nginx.conf: unfinished");
  return root;
}

/** All directives with a name, at any depth. */
export function directivesIn(conf: readonly Directive[], name: string): Directive[] {
  return conf.flatMap((directive) => [
    ...(directive.words[0] === name ? [directive] : []),
    ...directivesIn(directive.block ?? [], name),
  ]);
}

/** The configuration as text, without the directives with these names. */
export function printConf(conf: readonly Directive[], without: readonly string[] = []): string {
  return conf
    .filter(({ words }) => !without.includes(words[0]))
    .map(({ words, block }) => {
      const head = words.map((word) => (/^[\w./:$*-]+$/.test(word) ? word : `'${word}'`)).join(" ");
      return block === undefined ? `${head};\n` : `${head} {\n${printConf(block, without)}}\n`;
    })
    .join("");
}
