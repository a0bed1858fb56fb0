/** Chooses messages. */
import type { TapOptions } from "./command.ts";
import type { Message } from "./message.ts";

type Wanted = Pick<TapOptions, "server" | "tool" | "caller" | "outcome" | "slower" | "not">;

/** Whether a message has the wanted values and none of the excluded ones. */
export function isWanted(message: Message, { server, tool, caller, outcome, slower, not = [] }: Wanted): boolean {
  const has = (wanted: string[] | undefined, ...values: (string | undefined)[]) =>
    wanted === undefined || values.some((value) => value !== undefined && wanted.includes(value));
  return (
    has(server, message.server) &&
    has(tool, message.tool) &&
    has(caller, message.caller, message.session) &&
    has(outcome, message.outcome) &&
    (slower === undefined || (message.durationMs ?? 0) > slower) &&
    !not.some(({ field, value }) => message[field] === value)
  );
}
