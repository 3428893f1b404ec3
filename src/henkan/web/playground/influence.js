/** Which source symbols a prediction depends on: saliency, and the weights of attention. */

import { batchOf, TARGET_SYMBOLS } from "./addition.js";
import { weight } from "../runtime/layers.js";
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
  const choices = (/** @type {ArrayLike<number>} */ rows) =>
    written.map((symbol, t) => choiceOf(symbol, probabilitiesAt(logs, t), inOrder(rows, t, S, reverse)));
  return {
    update: subject.update,
    source,
    prediction: written.join(""),
    saliency: choices(saliency(subject, source, written)),
    attention: alignment && choices(alignment),
  };
}

/**
 * The norm of the gradient of each symbol's log-probability with respect to each source embedding, as shares of a row.
 *
 * All T steps are computed at once: the batch has the pair T times, and the loss of copy t is that of step t. Each source
 * position of each copy gets an embedding of its own, so that the gradient of an embedding is that of a position.
 *
 * @param {Subject} subject
 * @param {string} source
 * @param {string[]} written
 * @returns {Float64Array}  (T, S), in the order in which the encoder reads
 */
export function saliency({ model, weights, backend }, source, written) {
  const [T, S] = [written.length, source.length];
  const batch = batchOf(Array(T).fill(source), Array(T).fill(written), model.settings.reverse);
  batch.targets.valid.forEach((_, at) => (batch.targets.valid[at] = Number(Math.floor(at / T) === at % T)));
  const E = weight(weights, "encoder.E");
  const D = weight(weights, "encoder.lstm1.Wx").length / weight(weights, "encoder.lstm1.b").length;
  const positions = backend.empty(S * T * D);
  batch.sources.ids.forEach((id, at) => positions.set(E.subarray(id * D, (id + 1) * D), at * D));
  batch.sources.ids = Int32Array.from(batch.sources.ids.keys());
  const own = { ...weights, "encoder.E": positions };
  const gradients = Object.fromEntries(Object.entries(own).map(([name, each]) => [name, backend.zeros(each.length)]));
  model.loss(own, batch, { backend }).backward(gradients);
  const shares = new Float64Array(T * S);
  for (let t = 0; t < T; t++) {
    for (let s = 0; s < S; s++) {
      const at = (s * T + t) * D;
      shares[t * S + s] = Math.hypot(...gradients["encoder.E"].subarray(at, at + D));
    }
    const row = shares.subarray(t * S, (t + 1) * S);
    const total = row.reduce((sum, each) => sum + each, 0) || 1;
    row.forEach((each, s) => (row[s] = each / total));
  }
  backend.reset();
  return shares;
}

/**
 * A row of weights, in the order of the source.
 *
 * @param {ArrayLike<number>} rows  (T, S), in the order in which the encoder reads
 * @param {number} t
 * @param {number} S
 * @param {boolean} reverse
 */
function inOrder(rows, t, S, reverse) {
  const row = Array.from({ length: S }, (_, s) => rows[t * S + s]);
  return reverse ? row.reverse() : row;
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
