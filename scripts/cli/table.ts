/** The look of tables on a terminal. */
import type Table from "cli-table3";

const CHARACTERS = Object.fromEntries(
  ["top", "bottom", "mid"]
    .flatMap((edge) => ["", "-mid", "-left", "-right"].map((corner) => edge + corner))
    .concat("left", "left-mid", "mid-mid", "right", "right-mid", "middle")
    .map((place) => [place, ""]),
) as Partial<Record<Table.CharName, string>>;

/** Options of a table without lines: spaces separate its columns, so that it fits into 80 of them. */
export const PLAIN: Table.TableConstructorOptions = {
  chars: CHARACTERS,
  // The library's own colours ignore NO_COLOR and terminals without colour.
  style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
};
