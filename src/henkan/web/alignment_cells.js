/** Cells with symbols, which the curves and the matrix share. */

import { element, setProperties } from "./dom.js";
import { sourceLabel, stepLabel } from "./alignment_readout.js";
import { isTag, showSymbol } from "./symbols.js";
import { percent, t } from "./texts.js";

/** @import { Pointed, Step } from "./alignment.js" */
/** @import { Shown } from "./alignment_view.js" */

/**
 * Create the cells of the source symbols.
 *
 * @param {Shown} shown
 */
export function sourceCells(shown) {
  const { alignment, unknown } = shown;
  return alignment.symbols.map((symbol, source) => {
    const isUnknown = unknown.has(symbol);
    return element(
      "span",
      {
        class: "symbol source",
        "data-kind": isTag(symbol) ? "tag" : /^\s+$/u.test(symbol) ? "space" : null,
        "data-unknown": isUnknown,
        title: isUnknown ? `${sourceLabel(alignment, source)} (${t("unknownSymbol")})` : sourceLabel(alignment, source),
        ...pointing(shown, { source }),
      },
      element("bdi", {}, showSymbol(symbol)),
    );
  });
}

/**
 * Create the cells of the steps, which can have the focus.
 *
 * @param {Shown} shown
 */
export function stepCells(shown) {
  return shown.alignment.steps.map((step, index) =>
    element(
      "button",
      {
        type: "button",
        class: "symbol step",
        "data-action": step.action,
        "data-kind": /^\s+$/u.test(step.symbol) ? "space" : null,
        "data-doubtful": step.probability < 0.9,
        "aria-label": stepLabel(shown.alignment, step),
        "--share": step.probability,
        ...pointing(shown, { step: index }),
        onfocus: () => shown.onPin({ step: index }),
        onclick: () => shown.onPin({ step: index }), // Safari does not focus a button that is clicked
      },
      element("bdi", {}, stepText(step)),
      element("small", { "aria-hidden": "true" }, step.probability < 0.9 ? percent(step.probability) : ""),
    ),
  );
}

/** @param {Step} step */
function stepText(step) {
  if (step.action === "end") return t("end");
  return step.action === "delete" ? "×" : showSymbol(step.symbol);
}

/**
 * @param {Shown} shown
 * @param {Pointed} pointed
 */
function pointing(shown, pointed) {
  return { onpointerenter: () => shown.onPoint(pointed), onpointerleave: () => shown.onPoint(null) };
}

/**
 * Colour cells by their weights.
 *
 * @param {HTMLElement[]} cells
 * @param {number[]} weights  from 0 to 1
 */
export function colourCells(cells, weights) {
  for (const [index, cell] of cells.entries()) {
    const weight = weights[index] ?? 0;
    setProperties(cell, { "--weight": weight.toFixed(3), "data-lit": weight > 0.02 });
  }
}
