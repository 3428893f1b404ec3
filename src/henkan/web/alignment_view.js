/** The drawn alignment of a prediction: curves or a matrix, and what is known about the step that is pointed at. */

import { alignmentOf } from "./alignment.js";
import { curves } from "./alignment_curves.js";
import { matrix } from "./alignment_matrix.js";
import { readout } from "./alignment_readout.js";
import { replaceChoices, segmented } from "./controls.js";
import { element, fill } from "./dom.js";
import { unknownSymbols } from "./symbols.js";
import { inEveryLanguage, t } from "./texts.js";

/** @import { Alignment, Pointed } from "./alignment.js" */
/** @import { By, Explanation } from "./types.js" */

/**
 * @typedef {object} Drawing  curves or a matrix
 * @property {HTMLElement} element
 * @property {(pointed: Pointed) => void} point  highlight a step or a source symbol
 *
 * @typedef {object} Shown  what a drawing shows
 * @property {Alignment} alignment
 * @property {Set<string>} unknown  unknown source symbols
 * @property {(pointed: Pointed) => void} onPoint  the user points at something, or at nothing any more
 * @property {(pointed: Pointed) => void} onPin  the user selects something
 */

const MATRIX_CELLS = 20_000; // more take long to lay out
const ACTIONS = /** @type {const} */ (["copy", "substitute", "insert", "delete"]);

/**
 * @param {object} [settings]
 * @param {(by: By) => void} [settings.onBy]  the user wants another kind of weights; without it, there is no choice
 * @param {typeof readout} [settings.describe]  what is said about what the user points at
 */
export function alignmentView({ onBy, describe = readout } = {}) {
  /** @type {Explanation | null} */
  let explanation = null;
  let kind = "curves";
  /** @type {By | null} */
  let preferred = null;
  /** @type {Pointed} */
  let pinned = null;
  /** @type {Drawing | null} */
  let drawing = null;

  const box = element("div", { class: "drawing", tabindex: -1 });
  const details = element("div", { class: "readout" });
  const heading = element("h2");
  const caption = element("p", { class: "caption" });
  const controls = element("div", { class: "figure-controls" });
  const legend = element("ul", { class: "legend" });
  const view = element(
    "section",
    { class: "alignment", hidden: true },
    element("header", {}, element("div", {}, heading, caption), controls),
    box,
    legend,
    details,
  );
  view.addEventListener("keydown", (event) => {
    if (event.key === "Escape") pin(null);
  });

  /** @param {Pointed} pointed */
  function show(pointed) {
    if (!explanation || !drawing) return;
    drawing.point(pointed);
    fill(details, ...describe(alignmentOf(explanation), pointed));
  }

  /** @param {Pointed} pointed */
  function pin(pointed) {
    pinned = pointed;
    show(pointed);
  }

  function draw() {
    heading.textContent = t("alignment");
    if (!explanation) return;
    const alignment = alignmentOf(explanation);
    const small = alignment.symbols.length * alignment.steps.length <= MATRIX_CELLS;
    const shown = {
      alignment,
      unknown: unknownSymbols(explanation.unknown),
      onPoint: (/** @type {Pointed} */ pointed) => show(pointed ?? pinned),
      onPin: pin,
    };
    const scrolled = box.scrollLeft;
    drawing = kind === "matrix" && small ? matrix(shown) : curves(shown);
    view.dataset.by = explanation.by;
    caption.textContent = t(CAPTIONS[explanation.by]);
    replaceChoices(controls, weightsControl(), viewControl());
    fill(legend, ...legendItems(alignment));
    fill(box, kind === "matrix" && !small && element("p", { class: "quiet" }, t("tooLong")), drawing.element);
    box.scrollLeft = scrolled;
    show(pinned);
  }

  function viewControl() {
    const options = { curves: t("viewCurves"), matrix: t("viewMatrix") };
    return segmented(t("view"), options, kind, (wanted) => {
      kind = wanted;
      draw();
    });
  }

  function weightsControl() {
    if (!onBy || !explanation || !preferred || preferred === "saliency") return null;
    const options = { [preferred]: t(preferred), saliency: t("saliency") };
    return segmented(t("weights"), options, explanation.by, (by) => onBy(/** @type {By} */ (by)));
  }

  inEveryLanguage(draw);

  return {
    element: view,

    /**
     * @param {Explanation} wanted
     * @param {By} [by]  the kind of weights that the model has itself
     */
    show(wanted, by) {
      const same = explanation?.source === wanted.source && explanation.answer === wanted.answer;
      explanation = wanted;
      preferred = by ?? wanted.by;
      if (!same) pinned = null;
      view.hidden = wanted.choices.length === 0;
      draw();
    },

    /** Show that there is no alignment. */
    clear() {
      explanation = null;
      view.hidden = true;
    },

    /** @param {string} message  why there is no alignment */
    fail(message) {
      explanation = null;
      view.hidden = false;
      for (const part of [caption, controls, details, legend]) fill(part);
      fill(box, element("p", { class: "quiet" }, message));
    },
  };
}

const CAPTIONS = /** @type {const} */ ({
  pointer: "captionPointer",
  attention: "captionAttention",
  saliency: "captionSaliency",
});

/** @param {Alignment} alignment */
function legendItems(alignment) {
  const used = ACTIONS.filter((action) => alignment.steps.some((step) => step.action === action));
  return used.map((action) =>
    element("li", { "data-action": action }, element("span", { class: "swatch", "aria-hidden": "true" }), t(action)),
  );
}
