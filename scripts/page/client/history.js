/** Selects what the charts show from the points of the history. */
/** @import { Point, RowPoint, ServerPoint, ShownRow } from "../data.ts" */
/** @import { Series } from "./charts.js" */

/** The lines of a chart by tool. */
const MAX_LINES = 8;

/** @type {Record<string, string>} */
const STATES = {
  idle: "idle",
  calling: "calling",
  waiting_for_client: "waiting for the client",
  waiting_for_limit: "waiting for a limit",
};

/**
 * What the user selected: a server (undefined: all), and a row by its key (undefined: the most called tools).
 * @typedef {object} Selection
 * @property {string} [server]
 * @property {string} [key]
 */

/**
 * The rows whose lines the charts show: the selected one, or the most called tools; other methods if there are no tools.
 * @param {readonly Point[]} points
 * @param {readonly ShownRow[]} rows
 * @param {Selection} selection
 * @returns {ShownRow[]}
 */
export function shownRows(points, rows, { server, key }) {
  if (key !== undefined) return rows.filter((row) => row.key === key);
  const ofServer = rows.filter((row) => server === undefined || row.server === server);
  const tools = ofServer.filter(({ isTool }) => isTool);
  /** @type {Map<string, number>} */
  const calls = new Map();
  for (const point of points) for (const row of point.rows) calls.set(row.key, (calls.get(row.key) ?? 0) + row.calls);
  const candidates = tools.length > 0 ? tools : ofServer;
  const most = candidates.toSorted((a, b) => (calls.get(b.key) ?? 0) - (calls.get(a.key) ?? 0)).slice(0, MAX_LINES);
  // In the table's order, so that lines keep their places when their order by calls changes.
  return candidates.filter((row) => most.includes(row));
}

/**
 * A line for each of these rows.
 * @param {readonly Point[]} points
 * @param {readonly ShownRow[]} rows
 * @param {readonly ShownRow[]} allRows the place of a row among them is its place in the palette
 * @param {(row: RowPoint | undefined) => number | null} valueOf receives undefined for a point without calls
 * @returns {Series[]}
 */
export function rowSeries(points, rows, allRows, valueOf) {
  const hasServers = new Set(rows.map(({ server }) => server)).size > 1;
  const tools = allRows.filter(({ isTool }) => isTool);
  return rows.map((row) => ({
    name: hasServers ? `${row.server}: ${row.name}` : row.name,
    index: row.isTool ? tools.indexOf(row) : allRows.indexOf(row),
    values: points.map((point) => valueOf(point.rows.find(({ key }) => key === row.key))),
  }));
}

/**
 * A line with the sum over the selected server or over all servers.
 * @param {string} name
 * @param {number} index
 * @param {readonly Point[]} points
 * @param {Selection} selection
 * @param {(server: ServerPoint) => number} valueOf
 * @returns {Series}
 */
export function serverSeries(name, index, points, { server }, valueOf) {
  const values = points.map(({ servers }) =>
    servers
      .filter((each) => server === undefined || each.name === server)
      .reduce((sum, each) => sum + valueOf(each), 0),
  );
  return { name, index, values };
}

/**
 * A line for each state of sessions.
 * @param {readonly Point[]} points
 * @param {Selection} selection
 * @returns {Series[]}
 */
export function stateSeries(points, selection) {
  return Object.entries(STATES).map(([state, name], index) =>
    serverSeries(
      name,
      index,
      points,
      selection,
      ({ states }) => states.find((each) => each.state === state)?.count ?? 0,
    ),
  );
}

/**
 * The text of a state of sessions.
 * @param {string} state
 */
export function stateText(state) {
  return Object.hasOwn(STATES, state) ? STATES[state] : state;
}
