/** The probabilities of all symbols at each step, with the true symbols as inputs and with the model's own. */

import { element, fill } from "../dom.js";
import { percent } from "../texts.js";
import { p, symbolName } from "./texts.js";

/** @import { Selection } from "./selection.js" */
/** @import { Inspection, Trace } from "./types.js" */

/** @param {Selection} selection */
export function answerView(selection) {
  const view = element("div", { class: "answer-maps" });
  /** @type {Trace | null} */
  let trace = null;

  function draw() {
    if (!trace) return;
    const { target, written, forced, steps, read } = trace;
    const own = steps.slice(read.length).map(({ probabilities }) => probabilities);
    fill(view, table(p("teacherForcing"), target, target, forced), table(p("ownPredictions"), written, target, own), legend());
  }

  function legend() {
    return element(
      "p",
      { class: "map-legend caption" },
      element("span", { class: "outline", "aria-hidden": "true" }),
      p("answerLegend"),
    );
  }

  /**
   * @param {string} title
   * @param {string[]} written  the symbols whose predecessors are the inputs
   * @param {string[]} target
   * @param {[string, number][][]} columns
   */
  function table(title, written, target, columns) {
    const symbols = columns[0]?.map(([symbol]) => symbol) ?? [];
    const rows = [...symbols.slice(1), ""];
    return element(
      "figure",
      {},
      element("figcaption", {}, element("h3", {}, title)),
      element(
        "table",
        { class: "map", "--count": columns.length },
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            element("th", { scope: "row", class: "corner" }, p("inputOf")),
            ...columns.map((_, t) =>
              element("th", { scope: "col" }, t ? symbolName(written[t - 1] ?? "") : p("boundary")),
            ),
          ),
        ),
        element("tbody", {}, ...rows.map((symbol) => row(symbol, written, target, columns))),
      ),
    );
  }

  /**
   * @param {string} symbol
   * @param {string[]} written
   * @param {string[]} target
   * @param {[string, number][][]} columns
   */
  function row(symbol, written, target, columns) {
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, symbolName(symbol)),
      ...columns.map((column, t) => {
        const value = column.find(([each]) => each === symbol)?.[1] ?? 0;
        const label = p("probabilityOf", { symbol: symbolName(symbol), step: t + 1, probability: percent(value) });
        const largest = Math.max(...column.map(([, each]) => each));
        return element(
          "td",
          { title: label, "--v": value.toFixed(3), "data-top": value === largest, "data-true": target[t] === symbol },
          element("span", { class: value === largest ? "" : "hidden" }, percent(value)),
        );
      }),
    );
  }

  return {
    element: view,
    /** @returns {Inspection} */
    inspection: () => ({ kind: "trace", source: selection.values.question }),
    /** @param {Trace} value */
    show(value) {
      trace = value;
      draw();
    },
    redraw: draw,
  };
}
