/** The source above the prediction, with curves between symbols that belong together. */

import { highlights } from "./alignment.js";
import { colourCells, sourceCells, stepCells } from "./alignment_cells.js";
import { roving } from "./controls.js";
import { element, fill, svg } from "./dom.js";
import { direction } from "./symbols.js";
import { t } from "./texts.js";

/** @import { Pointed } from "./alignment.js" */
/** @import { Drawing, Shown } from "./alignment_view.js" */

const HEIGHT = 88;
const LEAST = 0.04; // curves of smaller weights are not drawn

/**
 * @param {Shown} shown
 * @returns {Drawing}
 */
export function curves(shown) {
  const { alignment } = shown;
  const sources = sourceCells(shown);
  const steps = stepCells(shown);
  const top = element("div", { class: "row", dir: direction(alignment.symbols) }, ...sources);
  top.querySelector("[data-kind=tag]")?.classList.add("first-tag");
  const written = alignment.steps.map((step) => step.symbol);
  const bottom = element(
    "div",
    { class: "row", role: "group", "aria-label": t("prediction"), dir: direction(written) },
    ...steps,
  );
  roving(bottom);
  const lines = svg("svg", { class: "lines", "aria-hidden": "true", height: HEIGHT });
  const drawn = element("div", { class: "curves" }, top, lines, bottom);

  /** @type {Pointed} */
  let current = null;

  function redraw() {
    if (!drawn.parentElement) return;
    drawn.dataset.size = sizeOf(Math.max(sources.length, steps.length), drawn.parentElement.clientWidth);
    const width = Math.max(top.scrollWidth, bottom.scrollWidth);
    lines.setAttribute("width", String(width));
    lines.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const box = lines.getBoundingClientRect().left;
    const middle = (/** @type {HTMLElement} */ cell) => {
      const { left, width } = cell.getBoundingClientRect();
      return left + width / 2 - box;
    };
    const from = sources.map(middle);
    const gaps = gapsBetween(sources, top, box, alignment.tags);
    const paths = alignment.steps.flatMap((step, index) => {
      const cell = steps[index];
      if (!cell || (step.action === "end" && alignment.by === "pointer")) return [];
      const to = middle(cell);
      if (step.action === "insert") return [curve(gaps[step.gap] ?? to, to, 1, step.action, index, -1)];
      return step.weights.flatMap((weight, source) =>
        weight < LEAST ? [] : [curve(from[source] ?? to, to, weight, step.action, index, source)],
      );
    });
    fill(lines, ...paths);
    highlight();
  }

  function highlight() {
    const { sources: sourceWeights, steps: stepWeights } = highlights(alignment, current);
    colourCells(sources, sourceWeights);
    colourCells(steps, stepWeights);
    drawn.toggleAttribute("data-pointed", current !== null);
    top.dataset.action = current && "step" in current ? (alignment.steps[current.step]?.action ?? "") : "";
    for (const path of lines.querySelectorAll("path")) {
      const { step, source } = path.dataset;
      const on = current && ("step" in current ? current.step === Number(step) : current.source === Number(source));
      path.toggleAttribute("data-lit", Boolean(on));
    }
  }

  new ResizeObserver(redraw).observe(drawn); // also when fonts arrive, and when it is inserted into the page
  return {
    element: drawn,
    point(pointed) {
      current = pointed;
      highlight();
    },
  };
}

/**
 * The size of symbols that lets a row fit, if there is one.
 *
 * @param {number} length  of the longer row
 * @param {number} width  in pixels
 */
function sizeOf(length, width) {
  const room = width / (length + 1);
  if (room >= 56 && length <= 12) return "huge";
  if (room >= 38) return "large";
  if (room >= 32) return "medium";
  return room >= 28 || room < 17 ? "small" : "tiny"; // a row that does not fit anyway need not be tiny
}

/**
 * The middles between source symbols, and the places before the first and after the last one.
 *
 * @param {HTMLElement[]} cells
 * @param {HTMLElement} row
 * @param {number} left  of the picture
 * @param {number} tags  number of feature tags at the end, which nothing is inserted between
 */
function gapsBetween(cells, row, left, tags) {
  const rtl = row.dir === "rtl";
  const edges = cells.slice(0, cells.length - tags).map((cell) => cell.getBoundingClientRect());
  const start = edges.map((edge) => (rtl ? edge.right : edge.left) - left);
  const last = edges.at(-1);
  return last ? [...start, (rtl ? last.left : last.right) - left] : [0];
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} weight
 * @param {string} action
 * @param {number} step
 * @param {number} source
 */
function curve(from, to, weight, action, step, source) {
  const [a, b, middle] = [from.toFixed(1), to.toFixed(1), HEIGHT / 2];
  return svg("path", {
    d: `M${a} 2C${a} ${middle} ${b} ${middle} ${b} ${HEIGHT - 2}`,
    "data-action": action,
    "data-step": step,
    "data-source": source,
    "--weight": weight.toFixed(3),
  });
}
