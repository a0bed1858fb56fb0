#!/usr/bin/env node
/** The command line `mcp-proxy-wasm`. Each command is a folder of scripts/ with a `command.ts`, which describes it, and a `run.ts`,
 *  which is loaded only if the command runs. */
import { createProgram, reportError } from "./cli/program.ts";
import { endWithReader } from "./cli/terminal.ts";
import { addConfig } from "./config/command.ts";
import { addDashboard } from "./dashboards/command.ts";
import { addExplain } from "./explain/command.ts";
import { addPins } from "./pins/command.ts";
import { addStart } from "./start/command.ts";
import { addTap } from "./tap/command.ts";
import { addTop } from "./top/command.ts";
import { addValidate } from "./validate/command.ts";

endWithReader();
const program = createProgram();
for (const add of [addStart, addConfig, addValidate, addExplain, addTop, addTap, addPins, addDashboard]) add(program);

try {
  await program.parseAsync();
} catch (error) {
  reportError(error);
}
