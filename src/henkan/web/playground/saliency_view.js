/** How strongly each predicted symbol depends on each source symbol: the drawing of the server's page. */

import { alignmentView } from "../alignment_view.js";
import { element } from "../dom.js";
import { influenceWords } from "./influence_words.js";

/** @import { By } from "../types.js" */
/** @import { Selection } from "./selection.js" */
/** @import { Influence, Inspection } from "./types.js" */

/** @param {Selection} selection */
export function saliencyView(selection) {
  /** @type {Influence | null} */
  let influence = null;
  /** @type {By} */
  let by = "saliency";
  const drawing = alignmentView({
    onBy(wanted) {
      by = wanted;
      draw();
    },
    describe: influenceWords,
  });

  function draw() {
    if (!influence) return;
    const { source, prediction, attention, saliency } = influence;
    const steps = () => /** @type {HTMLElement[]} */ ([...drawing.element.querySelectorAll("button.step")]);
    const focused = steps().indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const shown = by === "attention" && attention ? attention : saliency;
    drawing.show(
      {
        source,
        answer: prediction,
        confidence: null,
        symbols: Array.from(source),
        unknown: [],
        cut_off: false,
        choices: shown,
        by: shown === attention ? "attention" : "saliency",
      },
      attention ? "attention" : "saliency",
    );
    if (focused >= 0) steps()[focused]?.focus({ preventScroll: true });
  }

  return {
    element: element("div", { class: "influence" }, drawing.element),
    /** @returns {Inspection} */
    inspection: () => ({ kind: "influence", source: selection.values.question }),
    /** @param {Influence} value */
    show(value) {
      influence = value;
      draw();
    },
    redraw() {}, // the drawing follows the language itself
  };
}
