/** A matrix of weights: a row for each step, a column for each source symbol. */

import { highlights } from "./alignment.js";
import { colourCells, sourceCells, stepCells } from "./alignment_cells.js";
import { roving } from "./controls.js";
import { element } from "./dom.js";
import { direction } from "./symbols.js";
import { percent, t } from "./texts.js";

/** @import { Drawing, Shown } from "./alignment_view.js" */

/**
 * @param {Shown} shown
 * @returns {Drawing}
 */
export function matrix(shown) {
  const { alignment } = shown;
  const sources = sourceCells(shown);
  const steps = stepCells(shown);
  const rows = alignment.steps.map((step, index) =>
    element(
      "tr",
      { onpointerenter: () => shown.onPoint({ step: index }), onpointerleave: () => shown.onPoint(null) },
      element("th", { scope: "row" }, /** @type {HTMLElement} */ (steps[index])),
      ...step.weights.map((weight) =>
        element("td", {
          "--weight": weight.toFixed(3),
          "data-action": weight > 0 ? step.action : null,
          "aria-label": percent(weight),
        }),
      ),
    ),
  );
  const table = element(
    "table",
    { class: "matrix", dir: direction(alignment.symbols) },
    element("caption", { class: "hidden" }, t("weights")),
    element(
      "thead",
      {},
      element("tr", {}, element("td"), ...sources.map((cell) => element("th", { scope: "col" }, cell))),
    ),
    element("tbody", {}, ...rows),
  );
  roving(table);
  return {
    element: table,
    point(pointed) {
      const { sources: sourceWeights, steps: stepWeights } = highlights(alignment, pointed);
      colourCells(sources, sourceWeights);
      colourCells(steps, stepWeights);
    },
  };
}
