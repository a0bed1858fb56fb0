/** Values of JSON whose form is not known. */

/** A member of an object; undefined if the value is no object or has no such member. */
export function member(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

/** The value without the member at this path. */
export function without<Value>(value: Value, [name, ...rest]: readonly string[]): Value {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return value;
  const { [name]: inner, ...others } = value as Record<string, unknown>;
  return (rest.length === 0 ? others : { ...others, [name]: without(inner, rest) }) as Value;
}

/** The value of a text of JSON; undefined if there is none, or if it is not JSON. */
export function parsed(text: string | Uint8Array | undefined): unknown {
  try {
    return JSON.parse(textOf(text)) as unknown;
  } catch {
    return undefined;
  }
}

/** A text, or bytes read as one. */
export function textOf(text: string | Uint8Array | undefined): string {
  return typeof text === "string" ? text : Buffer.from(text ?? []).toString();
}

/** The texts of the elements of a valid JSON array, unchanged: 1.0 and 1 are different arguments to the filter. */
export function elementsOf(array: string | Uint8Array | undefined): string[] {
  const text = textOf(array);
  const elements: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    if (token === "[" || token === "{") {
      if (++depth === 1) from = index + 1;
    } else if (token === "]" || token === "}") {
      if (--depth === 0) elements.push(text.slice(from, index));
    } else if (token === "," && depth === 1) {
      elements.push(text.slice(from, index));
      from = index + 1;
    }
  }
  return elements.map((element) => element.trim()).filter((element) => element !== "");
}
