/** The tables of the page. */
/** @import { Cell, Now, RowCells, ShownDecision, ShownQueue, ShownRow, ShownServer, ShownSession } from "../data.ts" */
/** @import { Column } from "./table.js" */
import { byId } from "./dom.js";
import { formatClock, formatNumber } from "./format.js";
import { stateText } from "./history.js";
import { createTable } from "./table.js";

/**
 * @typedef {object} Choices
 * @property {(row: ShownRow) => void} chooseRow
 * @property {(row: ShownRow) => boolean} isRowChosen
 * @property {(session: ShownSession) => void} chooseSession
 * @property {(session: ShownSession) => boolean} isSessionChosen
 */

/**
 * Adds the tables to the page. Returns a function that shows other items.
 * @param {Choices} choices
 * @returns {(shown: Omit<Now, "run" | "time" | "problems">) => void}
 */
export function createTables({ chooseRow, isRowChosen, chooseSession, isSessionChosen }) {
  const showRows = createTable(byId("tools"), {
    name: "Tools and methods",
    empty: "No MCP traffic yet.",
    keyOf: /** @param {ShownRow} row */ ({ key }) => key,
    choose: chooseRow,
    isChosen: isRowChosen,
    columns: [
      { title: "Name", text: ({ name }) => name, sortBy: ({ name }) => name },
      { title: "Server", text: ({ server }) => server, sortBy: ({ server }) => server },
      cellColumn("Calls", "calls"),
      cellColumn("Errors", "errors", "bad"),
      cellColumn("Cancelled", "cancelled", "warning"),
      cellColumn("Limited", "limited", "warning"),
      cellColumn("p50", "p50"),
      cellColumn("p95", "p95"),
      cellColumn("p99", "p99"),
      cellColumn("Tokens in", "tokensIn"),
      cellColumn("Tokens out", "tokensOut"),
      cellColumn("Bytes", "bytes"),
    ],
  });
  const showServers = createTable(byId("servers"), {
    name: "Servers",
    empty: "No MCP traffic yet.",
    keyOf: /** @param {ShownServer} server */ ({ name }) => name,
    columns: [
      { title: "Name", text: ({ name }) => name, sortBy: ({ name }) => name },
      number("Sessions active", ({ sessionsActive }) => sessionsActive),
      number("Sessions seen", ({ sessionsSeen }) => sessionsSeen),
      {
        title: "States",
        text: ({ states }) =>
          states
            .filter(({ count }) => count > 0)
            .map(({ state, count }) => `${count} ${stateText(state)}`)
            .join(", ") || "–",
      },
      { title: "Tokens a session", isNumber: true, text: ({ tokensPerSession }) => tokensPerSession },
      { title: "Tokens of definitions", isNumber: true, text: ({ definitionTokens }) => definitionTokens },
    ],
  });
  const showDenials = createTable(byId("denials"), decisions("Denied", "Nothing was denied."));
  const showLimits = createTable(byId("limits"), decisions("Limited", "Nothing was limited."));
  const showQueues = createTable(byId("queues"), {
    name: "Queues",
    caption: "Queues",
    empty: "Nothing has waited.",
    keyOf: /** @param {ShownQueue} queue */ ({ server, rule }) => JSON.stringify([server, rule]),
    columns: [
      { title: "Rule", text: ({ rule }) => rule },
      { title: "Server", text: ({ server }) => server },
      number("Waiting", ({ waiting }) => waiting),
      number("Queued", ({ queued }) => queued),
      { title: "p95 wait", isNumber: true, text: ({ p95 }) => p95 },
    ],
  });
  const showSessions = createTable(byId("sessions"), {
    name: "Sessions",
    empty: "No session has finished a request yet, or the access log has no fields of the filter (logFields).",
    keyOf: /** @param {ShownSession} session */ ({ server, id }) => JSON.stringify([server, id]),
    choose: chooseSession,
    isChosen: isSessionChosen,
    columns: [
      { title: "Session", text: ({ id }) => id, sortBy: ({ id }) => id },
      { title: "Server", text: ({ server }) => server, sortBy: ({ server }) => server },
      { title: "Era", text: ({ era }) => era || "–", sortBy: ({ era }) => era },
      { title: "Principal", text: ({ principal }) => principal || "–", sortBy: ({ principal }) => principal },
      { title: "First step", text: ({ first }) => formatClock(first), sortBy: ({ first }) => first },
      { title: "Last step", text: ({ last }) => formatClock(last), sortBy: ({ last }) => last },
      number("Steps", ({ steps }) => steps),
      { ...number("Failed", ({ failures }) => failures), className: ({ failures }) => (failures > 0 ? "bad" : "") },
      number("Tokens", ({ tokens }) => tokens),
    ],
  });
  return ({ rows, servers, denials, limits, queues, sessions }) => {
    showRows(rows);
    showServers(servers);
    showDenials(denials);
    showLimits(limits);
    showQueues(queues);
    showSessions(sessions);
  };
}

/**
 * @param {string} title
 * @param {keyof RowCells} name
 * @param {string} [marked] the class of a cell that is not 0
 * @returns {Column<ShownRow>}
 */
function cellColumn(title, name, marked) {
  /** @type {(row: ShownRow) => Cell} */
  const cell = ({ cells }) => cells[name];
  return {
    title,
    isNumber: true,
    text: (row) => cell(row).text,
    sortBy: (row) => cell(row).value,
    ...(marked !== undefined && { className: (/** @type {ShownRow} */ row) => (cell(row).value > 0 ? marked : "") }),
  };
}

/**
 * @template Item
 * @param {string} title
 * @param {(item: Item) => number} value
 * @returns {Column<Item>}
 */
function number(title, value) {
  return { title, isNumber: true, text: (item) => formatNumber(value(item)), sortBy: value };
}

/**
 * @param {string} name
 * @param {string} empty
 * @returns {import("./table.js").TableOptions<ShownDecision>}
 */
function decisions(name, empty) {
  return {
    name,
    caption: name,
    empty,
    keyOf: ({ server, what, rule, note }) =>
      JSON.stringify([server, rule, note, /^of \d+ requests$/.test(what) ? "" : what]),
    columns: [
      { title: "Rule", text: ({ rule }) => rule },
      { title: "Server", text: ({ server }) => server },
      number("Count", ({ count }) => count),
      { title: "Of", text: ({ what }) => what },
      { title: "Notes", text: ({ note }) => note },
    ],
  };
}
