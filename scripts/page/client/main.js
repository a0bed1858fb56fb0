/** Shows the statistics and their history, and follows the server's updates. */
/** @import { Now, Opening, Point, Proxy, ShownSession, Update } from "../data.ts" */
/** @import { Selection } from "./history.js" */
import { createChart } from "./charts.js";
import { byId, element, selectById, setText } from "./dom.js";
import { formatClock, formatDuration, formatNumber } from "./format.js";
import { rowSeries, serverSeries, shownRows, stateSeries } from "./history.js";
import { createSessionView } from "./session.js";
import { createTables } from "./tables.js";

/** The value of the server select for all servers. A server's value is its name after this. */
const ALL = "*";

/** @type {Opening | undefined} */
let opening;
/** @type {Now | undefined} */
let now;
/** The points of the selected time, which the charts show. @type {Point[]} */
let points = [];
/** All points. @type {Point[]} */
let history = [];
/** @type {Selection} */
const selection = {};
/** @type {ShownSession | undefined} */
let session;
/** Where the focus returns when the session closes. @type {Element | null} */
let opener = null;

const serverSelect = selectById("server");
const windowSelect = selectById("window");
const quantileSelect = selectById("quantile");
const moment = /** @type {HTMLInputElement} */ (byId("moment"));
const chosenTool = byId("chosen-tool");
const chosenToolName = element("bdi");
const allTools = element("button", { type: "button" }, "Show all tools");
chosenTool.append("Only ", chosenToolName, " ", allTools);

const chartsArea = byId("charts");
/**
 * @param {string} title
 * @param {{ format?: (value: number | null | undefined) => string, isCount?: boolean }} [options]
 */
const chart = (title, options) => createChart(chartsArea, { title, format: formatNumber, hover, ...options });
const charts = {
  calls: chart("Calls per second"),
  errors: chart("Errors per second"),
  latency: chart("Latency", { format: formatDuration }),
  sessions: chart("Sessions by state", { isCount: true }),
  tokens: chart("Tokens per second, estimated"),
  denials: chart("Denied and limited per second"),
  waiting: chart("Requests waiting for a limit", { isCount: true }),
};

const sessionView = createSessionView(byId("session"), () => chooseSession(undefined));
const showTables = createTables({
  chooseRow: ({ key }) => selectRow(selection.key === key ? undefined : key),
  isRowChosen: ({ key }) => key === selection.key,
  chooseSession,
  isSessionChosen: ({ id, server }) => id === session?.id && server === session.server,
});

serverSelect.addEventListener("change", () => {
  selection.server = serverSelect.value === ALL ? undefined : serverSelect.value.slice(ALL.length);
  selectRow(undefined);
});
windowSelect.addEventListener("change", showHistory);
quantileSelect.addEventListener("change", showHistory);
moment.addEventListener("input", showMoment);
allTools.addEventListener("click", () => {
  selectRow(undefined);
  byId("main").focus();
});

/** @param {string | undefined} key a row's key; undefined for all tools */
function selectRow(key) {
  selection.key = key;
  showHistory();
  showNow();
}

/** @param {ShownSession | undefined} chosen */
function chooseSession(chosen) {
  if (chosen !== undefined) opener = document.activeElement;
  session = chosen;
  sessionView.open(chosen);
  showNow();
  if (chosen === undefined && opener instanceof HTMLElement) opener.focus();
}

function showNow() {
  if (now === undefined) return;
  const { server } = selection;
  const isShown = /** @param {{ server: string }} item */ (item) => server === undefined || item.server === server;
  showTables({
    rows: now.rows.filter(isShown),
    servers: now.servers.filter(({ name }) => server === undefined || name === server),
    denials: now.denials.filter(isShown),
    limits: now.limits.filter(isShown),
    queues: now.queues.filter(isShown),
    sessions: now.sessions,
  });
  sessionView.update(now.sessions);
  showServers(now.servers.map(({ name }) => name));
  showProblems(now);
}

/** @param {string[]} names */
function showServers(names) {
  if (serverSelect.options.length === names.length + 1) return;
  const options = names.map((name) => element("option", { value: ALL + name }, name));
  serverSelect.replaceChildren(element("option", { value: ALL }, "all"), ...options);
  serverSelect.value = selection.server === undefined ? ALL : ALL + selection.server;
}

/** @param {Now} shown */
function showProblems({ problems }) {
  const area = byId("problems");
  const texts = problems.map(({ text }) => text);
  // Screen readers read it when it changes.
  if (area.dataset.shown === JSON.stringify(texts)) return;
  area.dataset.shown = JSON.stringify(texts);
  area.replaceChildren(...problems.map(({ severity, text }) => element("p", { class: `problem ${severity}` }, text)));
}

function showHistory() {
  if (now === undefined) return;
  const { rows } = now;
  const from = now.time - Number(windowSelect.value);
  points = history.filter(({ time }) => time >= from);
  const times = points.map(({ time }) => time / 1000);
  const chosen = shownRows(points, rows, selection);
  const quantile = quantileSelect.value === "p50" ? "p50" : "p95";
  /** @type {Selection} */
  const ofServer = { server: selection.server };

  charts.calls.show(
    times,
    rowSeries(points, chosen, rows, (row) => row?.calls ?? 0),
  );
  charts.errors.show(
    times,
    rowSeries(points, chosen, rows, (row) => row?.errors ?? 0),
  );
  charts.latency.show(
    times,
    rowSeries(points, chosen, rows, (row) => row?.[quantile] ?? null),
  );
  charts.sessions.show(times, stateSeries(points, ofServer));
  charts.tokens.show(times, [
    serverSeries("read by models: results", 0, points, ofServer, ({ tokensIn }) => tokensIn),
    serverSeries("written by models: arguments", 1, points, ofServer, ({ tokensOut }) => tokensOut),
  ]);
  charts.denials.show(times, [
    serverSeries("denied by the access policy", 0, points, ofServer, ({ denied }) => denied),
    serverSeries("limited", 1, points, ofServer, ({ limited }) => limited),
  ]);
  charts.waiting.show(times, [serverSeries("waiting", 0, points, ofServer, ({ waiting }) => waiting)]);

  const row = rows.find(({ key }) => key === selection.key);
  chosenTool.hidden = row === undefined;
  setText(chosenToolName, row?.name ?? "");
  const isLatest = moment.value === moment.max;
  moment.max = String(Math.max(0, points.length - 1));
  if (isLatest) moment.value = moment.max;
  showMoment();
}

/** Shows the values at the time of the slider. */
function showMoment() {
  const isLatest = moment.value === moment.max;
  showValuesAt(isLatest ? undefined : Number(moment.value));
}

/**
 * Shows the values at the time under the pointer, or else at the time of the slider.
 * @param {number | undefined} index
 */
function hover(index) {
  if (index === undefined) showMoment();
  else showValuesAt(index);
}

/** @param {number | undefined} index of a point; undefined for the latest */
function showValuesAt(index) {
  for (const each of Object.values(charts)) each.point(index);
  const point = index === undefined ? points.at(-1) : points[index];
  const text = point === undefined ? "–" : formatClock(point.time);
  setText(byId("moment-text"), index === undefined ? `${text} (latest)` : text);
  moment.setAttribute("aria-valuetext", text);
}

/** @param {readonly Proxy[]} proxies */
function showProxies(proxies) {
  const entries = proxies.map(({ name, proxyUrl, statisticsUrl }) => {
    const statistics = element("a", { href: statisticsUrl }, "statistics");
    return element("li", {}, element("bdi", {}, name), " ", element("code", {}, proxyUrl), " ", statistics);
  });
  byId("proxies").replaceChildren(...entries);
}

/**
 * @param {"live" | "lost" | "ended"} state
 * @param {string} text
 */
function showConnection(state, text) {
  const area = byId("connection");
  area.className = state;
  setText(area, text);
}

async function open() {
  const answer = await fetch("/opening");
  if (!answer.ok) throw new Error(await answer.text());
  opening = /** @type {Opening} */ (await answer.json());
  ({ now, history } = opening);
  showProxies(opening.proxies);
  showHistory();
  showNow();
  showConnection("live", "Live");
}

/** @param {Update} update */
async function receive(update) {
  // Another run of `start` uses the same port, or points were missed.
  if (opening === undefined || update.now.run !== now?.run || hasGap(update)) {
    await open();
    return;
  }
  now = update.now;
  // The opening has the point already if it was sent after it.
  if (update.point !== undefined && update.point.time > (history.at(-1)?.time ?? 0)) {
    const { historyMs } = opening;
    history = [...history, update.point].filter(({ time }) => update.now.time - time < historyMs);
    showHistory();
  }
  showNow();
  showConnection("live", "Live");
}

/** @param {Update} update */
function hasGap({ now: { time } }) {
  return opening !== undefined && time - (now?.time ?? 0) > 2 * opening.stepMs;
}

let isEnded = false;
const updates = new EventSource("/updates");
updates.addEventListener("open", () => {
  isEnded = false;
  open().catch((error) => showConnection("lost", `The page could not be loaded: ${String(error)}`));
});
updates.addEventListener("message", ({ data }) => {
  receive(JSON.parse(/** @type {string} */ (data))).catch(() => showConnection("lost", "Connecting again"));
});
updates.addEventListener("ended", () => {
  isEnded = true;
});
updates.addEventListener("error", () => {
  if (isEnded) showConnection("ended", "Ended: this is what was last known");
  else if (updates.readyState === EventSource.CLOSED)
    showConnection("lost", "The server refuses updates: reload the page");
  else showConnection("lost", "Connecting again: this is what was last known");
});
