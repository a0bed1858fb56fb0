/** Names and keys of what the page shows. */
import type { Row } from "../statistics/rows.ts";
import type { StateCount } from "./data.ts";

/** Identifies a row among all rows. */
export function rowKey({ server, method, tool }: Pick<Row, "server" | "method" | "tool">): string {
  return JSON.stringify([server, method, tool]);
}

/** The numbers of sessions by state as a list, because a state's name may be any text. */
export function stateCounts(sessionsByState: Readonly<Record<string, number>>): StateCount[] {
  return Object.entries(sessionsByState).map(([state, count]) => ({ state, count }));
}
