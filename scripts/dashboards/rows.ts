/** All rows, in the order of an operator's questions. */
import type { Row } from "./panel.ts";
import { access } from "./rows/access.ts";
import { calls } from "./rows/calls.ts";
import { filter } from "./rows/filter.ts";
import { health } from "./rows/health.ts";
import { limits } from "./rows/limits.ts";
import { loops } from "./rows/loops.ts";
import { sessions } from "./rows/sessions.ts";
import { tokens } from "./rows/tokens.ts";
import { tools } from "./rows/tools.ts";

export const TITLE = "MCP";
export const DESCRIPTION =
  "What Envoy with mcp-proxy-wasm sees of the Model Context Protocol: calls, tools, sessions, tokens, access and limits.";

export const ROWS: Row[] = [health, calls, tools, sessions, tokens, loops, access, limits, filter];
