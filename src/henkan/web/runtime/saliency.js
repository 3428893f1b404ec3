/**
 * Saliency: how much each source symbol influences each predicted symbol.
 *
 * The saliency of source step s for target step t is the Euclidean norm of the gradient of log p(y_t) with respect to
 * the embedding x_s (Simonyan et al. 2014). The embedding table is replaced by one with a row for each position of the
 * source, so the gradient of a row is that of the position. All T steps are computed at once: the batch contains the
 * pair T times, and the loss of copy t is that of step t only. The loss is the mean over the copies, so the norms are
 * those of the gradients divided by T, which makes no difference to their shares.
 */

import { weight } from "./layers.js";

/** @import { Pass } from "./encoder.js" */
/** @import { Backend, Batch, Sources, Targets, Weights } from "./types.js" */

/**
 * @typedef {object} Network
 * @property {(weights: Weights, batch: Batch, pass: Pass) => {backward: (gradients: Weights) => void}} loss
 */

/**
 * Norm of the gradient of each target symbol's log-probability with respect to each source embedding.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Batch} batch  one pair, with S source steps as the encoder reads them, and T target steps
 * @param {Backend} backend
 * @returns {Float32Array}  (T, S), divided by T
 */
export function saliency(network, weights, batch, backend) {
  const T = batch.targets.active.length;
  const S = batch.sources.active.length;
  const sources = repeatedSource(batch.sources, T);
  const E = weight(weights, "encoder.E");
  const D = weight(weights, "encoder.lstm1.Wx").length / weight(weights, "encoder.lstm1.b").length;
  const positions = backend.empty(S * T * D);
  sources.ids.forEach((id, at) => positions.set(E.subarray(id * D, (id + 1) * D), at * D));
  const own = { ...weights, "encoder.E": positions };
  const gradients = Object.fromEntries(
    Object.entries(own).map(([name, array]) => [name, backend.zeros(array.length)]),
  );
  const ids = Int32Array.from({ length: S * T }, (_, at) => at);
  const copies = { sources: { ...sources, ids }, targets: oneStepEach(batch.targets) };
  network.loss(own, copies, { backend }).backward(gradients);
  return norms(weight(gradients, "encoder.E"), T, S, D);
}

/**
 * The share of each source step in the saliency, for each target step.
 *
 * @param {Float32Array} found  (T, S), norms
 * @param {number} T
 * @param {number} S
 * @returns {number[][]}
 */
export function shares(found, T, S) {
  return Array.from({ length: T }, (_, t) => {
    const row = Array.from(found.subarray(t * S, (t + 1) * S));
    const total = row.reduce((sum, each) => sum + each, 0);
    return row.map((each) => each / (total > 0 ? total : 1));
  });
}

/**
 * A source T times.
 *
 * @param {Sources} source
 * @param {number} T
 * @returns {Sources}
 */
function repeatedSource({ ids, active, copyIds }, T) {
  return { count: T, ids: repeated(ids, T), active: active.map(() => T), copyIds: copyIds && repeated(copyIds, T) };
}

/**
 * A target T times, of which copy t has the loss of step t only.
 *
 * @param {Targets} target
 * @returns {Targets}
 */
function oneStepEach({ inputs, ids }) {
  const T = ids.length;
  const valid = Uint8Array.from({ length: T * T }, (_, at) => Number(Math.floor(at / T) === at % T));
  return { inputs: repeated(inputs, T), ids: repeated(ids, T), valid, active: new Int32Array(T).fill(T) };
}

/**
 * Each element of an array T times.
 *
 * @param {Int32Array} array
 * @param {number} T
 */
function repeated(array, T) {
  return Int32Array.from({ length: array.length * T }, (_, at) => array[Math.floor(at / T)]);
}

/**
 * Norms of the rows of an array (S, T, D), as (T, S).
 *
 * @param {Float32Array} gradients
 * @param {number} T
 * @param {number} S
 * @param {number} D
 */
function norms(gradients, T, S, D) {
  const found = new Float32Array(T * S);
  for (let row = 0; row < S * T; row++) {
    const total = gradients.subarray(row * D, (row + 1) * D).reduce((sum, each) => sum + each * each, 0);
    found[(row % T) * S + Math.floor(row / T)] = Math.sqrt(total);
  }
  return found;
}
