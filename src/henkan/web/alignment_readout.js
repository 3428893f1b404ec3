/** What is known about one step of a prediction, or about one source symbol, in words and bars. */

import { origin, strongest } from "./alignment.js";
import { bar } from "./controls.js";
import { element } from "./dom.js";
import { showSymbol } from "./symbols.js";
import { percent, t, translated } from "./texts.js";

/** @import { Alignment, Pointed, Step } from "./alignment.js" */

const OPERATIONS = /** @type {const} */ ({
  copy: "stepCopy",
  substitute: "stepSubstitute",
  insert: "stepInsert",
  delete: "stepDelete",
  end: "stepEnd",
  "": "stepWrite",
});

/**
 * @param {Alignment} alignment
 * @param {Pointed} pointed
 * @returns {(HTMLElement | string)[]}
 */
export function readout(alignment, pointed) {
  if (!pointed) return [element("p", { class: "quiet" }, t("hint"))];
  if ("source" in pointed) return [element("p", {}, sourceLabel(alignment, pointed.source))];
  const step = alignment.steps[pointed.step];
  if (!step) return [];
  const sources = step.action === "" ? sourcesOf(alignment, step) : "";
  return [
    element(
      "p",
      { class: "operation", "data-action": step.action },
      element("strong", {}, operation(alignment, step)),
      " ",
      element("span", { class: "number" }, percent(step.probability)),
      sources && element("span", { class: "quiet" }, " ", sources),
    ),
    element(
      "dl",
      { class: "runners" },
      element("dt", {}, t("alternatives")),
      ...step.alternatives.map((other) =>
        element(
          "dd",
          {},
          element("span", { dir: "auto" }, alternativeText(other)),
          bar(other.probability),
          element("span", { class: "number" }, percent(other.probability)),
        ),
      ),
    ),
  ];
}

/**
 * A step in words, with its probability: the label of its button.
 *
 * @param {Alignment} alignment
 * @param {Step} step
 */
export function stepLabel(alignment, step) {
  const sources = step.action === "" ? sourcesOf(alignment, step) : "";
  return [operation(alignment, step), percent(step.probability), sources].filter(Boolean).join(", ");
}

/**
 * A source symbol in words, with the steps that use it.
 *
 * @param {Alignment} alignment
 * @param {number} source
 */
export function sourceLabel({ steps, symbols }, source) {
  const symbol = showSymbol(symbols[source] ?? "");
  const targets = steps
    .filter((step) => step.action !== "insert" && step.action !== "end")
    .map((step) => ({ step, weight: step.weights[source] ?? 0 }))
    .filter(({ weight }) => weight >= 0.1)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, 4)
    .map(({ step, weight }) => {
      if (step.action) return alternativeText(step);
      return `${showSymbol(step.symbol)} (${percent(weight)})`;
    });
  return targets.length ? t("usedBy", { symbol, targets: targets.join(", ") }) : t("usedByNone", { symbol });
}

/**
 * @param {Alignment} alignment
 * @param {Step} step
 */
function operation(alignment, step) {
  const at = origin(step);
  const from = at < 0 ? "" : showSymbol(alignment.symbols[at] ?? "");
  return t(OPERATIONS[step.action], { symbol: showSymbol(step.symbol), from });
}

/**
 * @param {Alignment} alignment
 * @param {Step} step
 */
function sourcesOf(alignment, step) {
  const found = strongest(step).map(
    ({ index, weight }) => `${showSymbol(alignment.symbols[index] ?? "")} (${percent(weight)})`,
  );
  return found.length ? t("fromSource", { symbols: found.join(", ") }) : "";
}

/** @param {{action: string, symbol: string}} choice */
function alternativeText({ action, symbol }) {
  return [action && translated(action), symbol && showSymbol(symbol)].filter(Boolean).join(" ");
}
