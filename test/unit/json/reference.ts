import type { Node } from "./documents.ts";
import { type Skip, type TokenName, tokenLine } from "./tokenizer.ts";

/** The lines that `tokenize` must give for a value. */
export function reference(root: Node, skip: (token: TokenName) => Skip = () => "nothing"): string[] {
  const lines: string[] = [];
  const tell = (name: TokenName, text = ""): Skip => {
    lines.push(tokenLine(name, Buffer.from(text)));
    return skip(name);
  };
  /** False where the rest of the container around the value is passed over. */
  const visit = (node: Node): boolean => {
    switch (node.type) {
      case "literal":
        return tell(node.text === "null" ? "Null" : node.text === "true" ? "True" : "False") !== "container";
      case "number":
        return tell("Number", node.text) !== "container";
      case "string":
        return tell("String", node.spelling.value) !== "container";
      case "array":
        if (tell("ArrayStart") === "container") return true;
        return !node.items.every(visit) || tell("ArrayEnd") !== "container";
      case "object":
        if (tell("ObjectStart") === "container") return true;
        for (const { key, value } of node.members) {
          const choice = tell("Key", key.value);
          if (choice === "container") return true;
          if (choice !== "value" && !visit(value)) return true;
        }
        return tell("ObjectEnd") !== "container";
    }
  };
  visit(root);
  return lines;
}

/** Takes from a list of choices, over and over, what a token may be followed by. */
export function chooser(choices: readonly Skip[]): (token: TokenName) => Skip {
  let made = 0;
  let depth = 0;
  return (token) => {
    if (token === "ArrayStart" || token === "ObjectStart") depth++;
    if (token === "ArrayEnd" || token === "ObjectEnd") depth--;
    const choice = choices[made++ % choices.length];
    const allowed = choice === "container" ? depth > 0 : choice === "value" ? token === "Key" : true;
    if (!allowed) return "nothing";
    if (choice === "container") depth--;
    return choice;
  };
}
