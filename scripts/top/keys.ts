/** The keys of `top` on a terminal. */
import { emitKeypressEvents } from "node:readline";
import type { Dimension, SortKey } from "./command.ts";

const SORT_BY: Record<string, SortKey> = {
  c: "calls",
  e: "errors",
  "5": "p50",
  "9": "p95",
  t: "tokens",
  l: "limited",
  f: "inflight",
};
const GROUP_BY: Record<string, Dimension> = { s: "server", o: "tool", a: "caller" };

/** One line about the keys. */
export const KEYS_TEXT = "sort: c e 5 9 t l f (calls errors p50 p95 …)  by: s o a (server tool caller)  q";

/** What keys do. */
export interface Actions {
  sort(key: SortKey): void;
  by(dimension: Dimension): void;
  quit(): void;
}

/** Calls the actions of pressed keys. Returns a function that ends this and restores the terminal. */
export function watchKeys(actions: Actions): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const pressed = (text: string | undefined, { ctrl, name }: { ctrl: boolean; name?: string }) => {
    const key = text ?? "";
    if (key === "q" || (ctrl && name === "c")) actions.quit();
    else if (key in SORT_BY) actions.sort(SORT_BY[key]);
    else if (key in GROUP_BY) actions.by(GROUP_BY[key]);
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on("keypress", pressed).resume();
  return () => {
    stdin.off("keypress", pressed).pause();
    stdin.setRawMode(false);
  };
}
