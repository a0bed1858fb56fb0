/** One session as a list of its steps in time. */
/** @import { ShownSession, Step } from "../data.ts" */
import { element, setText } from "./dom.js";
import { formatDuration, formatNumber, formatPrecise } from "./format.js";
import { createTable } from "./table.js";

/** The width of the shortest bar, in percent. */
const MIN_WIDTH = 0.5;

/**
 * A view of a session within `container`, hidden until it is opened.
 * @param {HTMLElement} container
 * @param {() => void} onClose
 */
export function createSessionView(container, onClose) {
  /** @type {ShownSession | undefined} */
  let session;
  let shownSteps = -1;
  let from = 0;
  let span = 1;

  const title = element("h3", { tabindex: "-1" });
  const about = element("p", { class: "hint" });
  const close = element("button", { type: "button" }, "Close");
  close.addEventListener("click", onClose);
  const list = element("div");
  container.replaceChildren(title, about, close, list);

  const show = createTable(list, {
    name: "Steps of the session",
    empty: "No steps",
    keyOf: /** @param {Step & { number: number }} step */ ({ number }) => String(number),
    columns: [
      { title: "Start", text: ({ start }) => formatPrecise(start), sortBy: ({ start }) => start },
      { title: "Method", text: ({ method }) => method || "an answer to the server", sortBy: ({ method }) => method },
      { title: "Target", text: ({ target }) => target, sortBy: ({ target }) => target },
      {
        title: "Outcome",
        text: ({ outcome }) => outcome || "–",
        sortBy: ({ outcome }) => outcome,
        className: ({ isFailure }) => (isFailure ? "bad" : ""),
      },
      {
        title: "Wait",
        isNumber: true,
        text: ({ waitMs }) => (waitMs > 0 ? formatDuration(waitMs) : "–"),
        sortBy: ({ waitMs }) => waitMs,
      },
      {
        title: "Duration",
        isNumber: true,
        text: ({ durationMs }) => formatDuration(durationMs),
        sortBy: ({ durationMs }) => durationMs ?? -1,
      },
      { title: "In time", text: () => "", draw: drawBar },
      {
        title: "Tokens",
        isNumber: true,
        text: ({ tokens }) => (tokens > 0 ? formatNumber(tokens) : "–"),
        sortBy: ({ tokens }) => tokens,
      },
      { title: "Notes", text: ({ notes }) => notes.join("; ") },
    ],
  });

  /**
   * Draws when the step waited and when it ran, between the session's first and last moment.
   * @param {HTMLElement} cell
   * @param {Step} step
   */
  function drawBar(cell, { start, waitMs, durationMs = 0, isFailure }) {
    if (cell.firstChild === null) {
      const [wait, run] = [element("span", { class: "wait" }), element("span", { class: "run" })];
      cell.append(element("div", { class: "bar" }, wait, run));
    }
    const [wait, run] = /** @type {HTMLElement[]} */ ([.../** @type {Element} */ (cell.firstElementChild).children]);
    place(wait, start, waitMs, 0);
    place(run, start + waitMs, durationMs, MIN_WIDTH);
    run.classList.toggle("bad", isFailure);
  }

  /**
   * @param {HTMLElement} bar
   * @param {number} start
   * @param {number} duration
   * @param {number} minWidth
   */
  function place(bar, start, duration, minWidth) {
    const width = Math.max(minWidth, (100 * duration) / span);
    bar.style.insetInlineStart = `${Math.min(100 - minWidth, (100 * (start - from)) / span)}%`;
    bar.style.inlineSize = `${width}%`;
  }

  async function load() {
    if (session === undefined) return;
    const { id, server, steps: count } = session;
    const answer = await fetch(`/steps?${new URLSearchParams({ server, session: id })}`).catch(() => undefined);
    if (answer === undefined || session?.id !== id || session.server !== server) return;
    if (!answer.ok) {
      setText(about, "This session is no longer known.");
      return;
    }
    const steps = /** @type {Step[]} */ (await answer.json());
    from = steps[0]?.start ?? 0;
    span = Math.max(1, ...steps.map(({ start, waitMs, durationMs = 0 }) => start + waitMs + durationMs - from));
    const dropped = Math.max(0, count - steps.length);
    show(steps.map((step, index) => ({ ...step, number: dropped + index })));
  }

  /** @param {ShownSession} shown */
  function describe({ id, server, era, principal, steps, failures, tokens }) {
    setText(title, `Session ${id}`);
    const parts = [server, era, principal, `${steps} steps`, `${failures} failed`, `${formatNumber(tokens)} tokens`];
    setText(about, parts.filter((part) => part !== "").join(" · "));
  }

  return {
    /**
     * Opens a session, or closes the view.
     * @param {ShownSession | undefined} chosen
     */
    open(chosen) {
      session = chosen;
      shownSteps = -1;
      container.hidden = chosen === undefined;
      if (chosen === undefined) return;
      show([]);
      this.update([chosen]);
      title.focus();
    },
    /**
     * Shows the new steps of the open session.
     * @param {readonly ShownSession[]} sessions
     */
    update(sessions) {
      const found = sessions.find(({ id, server }) => id === session?.id && server === session.server);
      if (found === undefined || found.steps === shownSteps) return;
      session = found;
      shownSteps = found.steps;
      describe(found);
      void load();
    },
  };
}
