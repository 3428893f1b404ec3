/** Experiments to try: settings, an update to train to, and the view to look at. */

import { element, fill } from "../dom.js";
import { inEveryLanguage } from "../texts.js";
import { DEFAULT_DATA, DEFAULT_MODEL } from "./settings.js";
import { p } from "./texts.js";

/** @import { DataChoice, ModelChoice } from "./types.js" */
/** @import { View } from "./settings.js" */

/**
 * @typedef {object} Experiment
 * @property {"early" | "blind" | "few" | "fresh"} name
 * @property {DataChoice} data
 * @property {ModelChoice} first
 * @property {ModelChoice | null} second
 * @property {number} until  update after which training pauses
 * @property {View} view
 */

const BLIND = { ...DEFAULT_MODEL, peeky: false };
/** @type {Experiment[]} */
export const EXPERIMENTS = [
  { name: "early", data: DEFAULT_DATA, first: DEFAULT_MODEL, second: null, until: 200, view: "answer" },
  { name: "blind", data: DEFAULT_DATA, first: DEFAULT_MODEL, second: BLIND, until: 600, view: "probe" },
  {
    name: "few",
    data: { ...DEFAULT_DATA, pairs: 500 },
    first: DEFAULT_MODEL,
    second: null,
    until: 600,
    view: "training",
  },
  { name: "fresh", data: DEFAULT_DATA, first: BLIND, second: null, until: 0, view: "gradient" },
];

/** @param {(experiment: Experiment) => void} onTry */
export function experimentsView(onTry) {
  const view = element("ol", { class: "experiments" });
  inEveryLanguage(() =>
    fill(
      view,
      ...EXPERIMENTS.map((each) =>
        element(
          "li",
          {},
          element(
            "button",
            { type: "button", class: "experiment", onclick: () => onTry(each) },
            element("strong", {}, p(`${each.name}Title`)),
            element("span", { class: "quiet" }, p(`${each.name}Hint`)),
          ),
        ),
      ),
    ),
  );
  return { element: view };
}
