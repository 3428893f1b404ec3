/** The n-best list: the most probable predictions, with their probabilities. */

import { bar } from "./controls.js";
import { element, fill } from "./dom.js";
import { showText } from "./symbols.js";
import { inEveryLanguage, percent, t } from "./texts.js";

/** @import { Candidate } from "./types.js" */

/**
 * @param {object} settings
 * @param {(candidate: Candidate) => void} settings.onSelect
 */
export function candidatesView({ onSelect }) {
  /** @type {readonly Candidate[]} */
  let candidates = [];
  let selected = 0;
  const summary = element("summary");
  const hint = element("p", { class: "quiet" });
  const list = element("ol", { class: "candidates" });
  const view = element("details", { class: "fold nbest" }, summary, list, hint);

  function draw() {
    fill(summary, t("candidates"), element("span", { class: "count" }, String(candidates.length)));
    hint.textContent = candidates.length > 1 ? t("candidatesHint") : t("noCandidates");
    view.hidden = candidates.length === 0;
    fill(list, ...candidates.map(item));
  }

  /**
   * @param {Candidate} candidate
   * @param {number} index
   */
  function item(candidate, index) {
    const probability = candidate.log_probability === null ? null : Math.exp(candidate.log_probability);
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", "aria-pressed": String(index === selected), onclick: () => select(index) },
        element("span", { class: "text", dir: "auto" }, showText(candidate.prediction) || t("emptyPrediction")),
        element("span", { class: "number" }, probability === null ? t("lexicon") : percent(probability)),
        probability !== null && bar(probability),
      ),
    );
  }

  /** @param {number} index */
  function select(index) {
    selected = index;
    for (const [at, button] of [...list.querySelectorAll("button")].entries()) {
      button.setAttribute("aria-pressed", String(at === index));
    }
    const candidate = candidates[index];
    if (candidate) onSelect(candidate);
  }

  inEveryLanguage(draw);

  return {
    element: view,

    /** @param {readonly Candidate[]} wanted  best first */
    show(wanted) {
      candidates = wanted;
      selected = 0;
      draw();
    },
  };
}
