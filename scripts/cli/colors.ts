import picocolors from "picocolors";

const { NO_COLOR, TERM } = process.env;

/** Colours of text on standard output: only on a terminal that has them, and never if NO_COLOR is set. By itself, picocolors would
 *  also colour what CI systems read. */
export const colors = picocolors.createColors(Boolean(process.stdout.isTTY) && !NO_COLOR && TERM !== "dumb");
