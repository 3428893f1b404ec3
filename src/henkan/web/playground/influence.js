/** Which source symbols a prediction depends on: saliency, and the weights of attention. */

import { batchOf, TARGET_SYMBOLS } from "./addition.js";
import { saliency, shares } from "../runtime/saliency.js";
import { predict, probabilitiesAt } from "./trace.js";

/** @import { Choice } from "../types.js" */
/** @import { Subject } from "./trace.js" */
/** @import { Influence } from "./types.js" */

const RUNNERS_UP = 3;

/**
 * @param {Subject} subject
 * @param {string} source
 * @returns {Influence}
 */
export function influenceOf(subject, source) {
  const { model, weights, backend } = subject;
  const { reverse } = model.settings;
  const written = predict(subject, source);
  const found = model.loss(weights, batchOf([source], [written], reverse), { backend });
  const logs = found.logProbabilities.slice();
  const alignment = found.alignment?.slice() ?? null;
  backend.reset();
  const S = source.length;
  const choices = (/** @type {number[][]} */ rows) =>
    written.map((symbol, t) =>
      choiceOf(symbol, probabilitiesAt(logs, t), reverse ? rows[t].toReversed() : rows[t]),
    );
  return {
    update: subject.update,
    source,
    prediction: written.join(""),
    saliency: choices(saliencyOf(subject, source, written)),
    attention: alignment && choices(written.map((_, t) => Array.from(alignment.subarray(t * S, (t + 1) * S)))),
  };
}

/**
 * The share of each source symbol in the saliency of each symbol.
 *
 * @param {Subject} subject
 * @param {string} source
 * @param {string[]} written
 * @returns {number[][]}  (T, S), in the order in which the encoder reads
 */
export function saliencyOf({ model, weights, backend }, source, written) {
  const norms = saliency(model, weights, batchOf([source], [written], model.settings.reverse), backend);
  backend.reset();
  return shares(norms, written.length, source.length);
}

/**
 * @param {string} symbol
 * @param {[string, number][]} probabilities
 * @param {number[]} weights
 * @returns {Choice}
 */
function choiceOf(symbol, probabilities, weights) {
  const others = probabilities.filter(([other]) => other !== symbol).sort((a, b) => b[1] - a[1]);
  return {
    symbol,
    probability: probabilities[TARGET_SYMBOLS.indexOf(symbol)][1],
    runners_up: others.slice(0, RUNNERS_UP),
    weights,
  };
}
