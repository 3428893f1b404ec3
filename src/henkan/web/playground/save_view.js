/** The buttons that save the weights of the models as files. */

import { element, fill } from "../dom.js";
import { p } from "./texts.js";
import { safetensors } from "./weights_file.js";

/** @import { Learner } from "./learner.js" */
/** @import { Weights } from "./types.js" */

export function saveView() {
  const view = element("span");
  return {
    element: view,
    /** @param {Learner[]} learners */
    show(learners) {
      const texts = learners.map((_, index) =>
        learners.length > 1 ? p("saveWeightsOf", { model: p(index ? "modelB" : "modelA") }) : p("saveWeights"),
      );
      const button = (/** @type {Learner} */ learner, /** @type {number} */ index) =>
        element("button", { type: "button", class: "plain save", onclick: () => void save(learner) }, texts[index]);
      fill(view, ...learners.map(button));
    },
  };
}

/** @param {Learner} learner */
async function save(learner) {
  const weights = /** @type {Weights} */ (await learner.inspect({ kind: "weights" }));
  const url = URL.createObjectURL(new Blob([safetensors(weights)], { type: "application/octet-stream" }));
  element("a", { href: url, download: `addition-${weights.update}.safetensors` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
