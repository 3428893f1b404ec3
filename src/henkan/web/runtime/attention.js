/**
 * Attention between decoder and encoder. The encoder's states m_s are the memory, the decoder's state h_t is the query.
 *
 *     dot:      score_ts = h_t . m_s
 *     general:  score_ts = h_t . (m_s Wk)
 *
 *     weight_ts = exp(score_ts) / sum_s' exp(score_ts')        over the source steps s that are not padding
 *     a_t = tanh(sum_s weight_ts (m_s Wv) + h_t Wq + b)
 *
 * a_t replaces h_t as the input of the output layer. "dot" needs keys of the size of h, so the two states of a
 * bidirectional encoder are added.
 */

import { lengthsOf } from "./encoder.js";
import { addTo, affine, weight } from "./layers.js";
import { dot } from "./product.js";

/** @import { Backend, Sources, Weights } from "./types.js" */

/**
 * Keys and values of the encoder's states.
 *
 * @typedef {object} AttentionMemory
 * @property {Float32Array} keys  (S, N, H)
 * @property {Float32Array} values  (S, N, H)
 * @property {Int32Array} lengths  (N) number of source steps
 * @property {number} steps  S
 * @property {Int32Array | null} copyIds  (S, N), or null if the model does not copy
 */

/**
 * Compute keys and values from the encoder's states.
 *
 * @param {Weights} weights  attention.Wv (M, H) and, for the kind "general", attention.Wk (M, H)
 * @param {Float32Array} states  (S, N, M)
 * @param {Sources} sources
 * @param {Backend} backend
 * @returns {{memory: AttentionMemory, backward: (dkeys: Float32Array, dvalues: Float32Array, gradients: Weights) =>
 *   Float32Array}}  backward returns dstates and adds the gradients of the weights
 */
export function projectMemory(weights, states, sources, backend) {
  const H = weight(weights, "attention.b").length;
  const rows = sources.active.length * sources.count;
  const M = weight(weights, "attention.Wv").length / H;
  const project = (/** @type {string} */ name) => {
    const y = backend.zeros(rows * H);
    backend.addAB(y, states, weight(weights, name), rows, M, H);
    return y;
  };
  const general = "attention.Wk" in weights;
  return {
    memory: {
      keys: general ? project("attention.Wk") : sumOfDirections(states, rows, M, H, backend),
      values: project("attention.Wv"),
      lengths: lengthsOf(sources),
      steps: sources.active.length,
      copyIds: sources.copyIds,
    },
    backward(dkeys, dvalues, gradients) {
      const dstates = backend.zeros(states.length);
      const through = (/** @type {string} */ name, /** @type {Float32Array} */ d) => {
        backend.addATB(weight(gradients, name), states, d, M, rows, H);
        backend.addABT(dstates, d, weight(weights, name), rows, H, M);
      };
      through("attention.Wv", dvalues);
      if (general) through("attention.Wk", dkeys);
      else dstates.forEach((_, at) => (dstates[at] += dkeys[Math.floor(at / M) * H + (at % H)]));
      return dstates;
    },
  };
}

/**
 * The keys of "dot": the states (R, H), or the sum of those of two directions (R, 2H).
 *
 * @param {Float32Array} states
 * @param {number} rows  R
 * @param {number} M  H or 2H
 * @param {number} H
 * @param {Backend} backend
 */
function sumOfDirections(states, rows, M, H, backend) {
  if (M === H) return states;
  const sums = backend.empty(rows * H);
  sums.forEach((_, at) => {
    const from = Math.floor(at / H) * M + (at % H);
    sums[at] = states[from] + states[from + H];
  });
  return sums;
}

/**
 * Select sequences of a memory.
 *
 * @param {AttentionMemory} memory
 * @param {ArrayLike<number>} rows
 * @returns {AttentionMemory}
 */
export function takeMemory({ keys, values, lengths, steps, copyIds }, rows) {
  return {
    keys: takeColumns(keys, lengths.length, rows, steps),
    values: takeColumns(values, lengths.length, rows, steps),
    lengths: takeRows(lengths, lengths.length, rows),
    steps,
    copyIds: copyIds && takeColumns(copyIds, lengths.length, rows, steps),
  };
}

/**
 * Select rows of an array (N, ...).
 *
 * @template {Float32Array | Int32Array} A
 * @param {A} array
 * @param {number} count  N
 * @param {ArrayLike<number>} rows
 * @returns {A}
 */
export function takeRows(array, count, rows) {
  return takeColumns(array, count, rows, 1);
}

/**
 * Select columns of an array (S, N, ...).
 *
 * @template {Float32Array | Int32Array} A
 * @param {A} array
 * @param {number} count  N
 * @param {ArrayLike<number>} columns
 * @param {number} steps  S
 * @returns {A}
 */
export function takeColumns(array, count, columns, steps) {
  const size = steps ? array.length / steps / count : 0;
  const taken = /** @type {A} */ (
    array instanceof Int32Array
      ? new Int32Array(steps * columns.length * size)
      : new Float32Array(steps * columns.length * size)
  );
  for (let to = 0; to < steps * columns.length; to++) {
    const from = (Math.floor(to / columns.length) * count + columns[to % columns.length]) * size;
    taken.set(array.subarray(from, from + size), to * size);
  }
  return taken;
}

/**
 * @typedef {object} AttentionGradients
 * @property {Float32Array} dhs  (T, N, H)
 * @property {Float32Array} dkeys  (S, N, H)
 * @property {Float32Array} dvalues  (S, N, H)
 *
 * @typedef {(da: Float32Array, gradients: Weights, dscores: Float32Array | null) => AttentionGradients} AttendBackward
 *   its arguments are da (T, N, H), the gradients of the weights, to which it adds, and the gradients (N, T, S) that
 *   the scores have where symbols are copied, or null
 */

/**
 * Attend to the memory at every step.
 *
 * @param {Weights} weights  attention.Wq (H, H) and attention.b (H)
 * @param {Float32Array} hs  (T, N, H) hidden states of the decoder
 * @param {AttentionMemory} memory  of the same N sequences
 * @param {Backend} backend
 * @returns {{a: Float32Array, alignment: Float32Array, backward: AttendBackward}}  a (T, N, H), and the attention
 *   weights (N, T, S)
 */
export function attend(weights, hs, memory, backend) {
  const b = weight(weights, "attention.b");
  const { y: a, backward: affineBackward } = affine(hs, weight(weights, "attention.Wq"), b, backend);
  const alignment = attentionWeights(hs, memory, b.length, backend);
  addContexts(a, alignment, memory, b.length);
  a.forEach((sum, at) => (a[at] = Math.tanh(sum)));

  return {
    a,
    alignment,
    backward(da, gradients, dscores) {
      const dsum = backend.empty(a.length);
      dsum.forEach((_, at) => (dsum[at] = da[at] * (1 - a[at] * a[at])));
      const dhs = affineBackward(dsum, weight(gradients, "attention.Wq"), weight(gradients, "attention.b"));
      const { dkeys, dvalues, ...d } = attentionBackward(dsum, hs, alignment, dscores, memory, b.length, backend);
      addTo(dhs, d.dhs);
      return { dhs, dkeys, dvalues };
    },
  };
}

/**
 * The attention weights (N, T, S) of all steps; 0 at padding.
 *
 * @param {Float32Array} hs
 * @param {AttentionMemory} memory
 * @param {number} H
 * @param {Backend} backend
 */
function attentionWeights(hs, { keys, lengths, steps: S }, H, backend) {
  const N = lengths.length;
  const T = hs.length / (N * H);
  const weights = backend.zeros(N * T * S);
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      const row = weights.subarray((n * T + t) * S, (n * T + t) * S + lengths[n]);
      row.forEach((_, s) => (row[s] = dot(hs, (t * N + n) * H, keys, (s * N + n) * H, H)));
      softmax(row);
    }
  }
  return weights;
}

/** @param {Float32Array} scores */
function softmax(scores) {
  const largest = scores.reduce((most, each) => Math.max(most, each), -Infinity);
  let total = 0;
  scores.forEach((score, at) => (total += scores[at] = Math.exp(score - largest)));
  scores.forEach((each, at) => (scores[at] = each / total));
}

/**
 * Add the weighted means of the values to `sums` (T, N, H).
 *
 * @param {Float32Array} sums
 * @param {Float32Array} alignment  (N, T, S)
 * @param {AttentionMemory} memory
 * @param {number} H
 */
function addContexts(sums, alignment, { values, lengths, steps: S }, H) {
  const N = lengths.length;
  const T = sums.length / (N * H);
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      for (let s = 0; s < lengths[n]; s++) {
        addScaled(sums, (t * N + n) * H, alignment[(n * T + t) * S + s], values, (s * N + n) * H, H);
      }
    }
  }
}

/**
 * x[at + k] += factor y[from + k] for `count` elements.
 *
 * @param {Float32Array} x
 * @param {number} at
 * @param {number} factor
 * @param {Float32Array} y
 * @param {number} from
 * @param {number} count
 */
function addScaled(x, at, factor, y, from, count) {
  for (let k = 0; k < count; k++) x[at + k] += factor * y[from + k];
}

/**
 * The gradients of scores, softmax and weighted means:
 *
 *     dweight_ts = dcontext_t . v_s        dscore_ts = weight_ts (dweight_ts - sum_s' weight_ts' dweight_ts')
 *
 * @param {Float32Array} dcontexts  (T, N, H)
 * @param {Float32Array} hs
 * @param {Float32Array} alignment
 * @param {Float32Array | null} further  gradients (N, T, S) that the scores have elsewhere, or null
 * @param {AttentionMemory} memory
 * @param {number} H
 * @param {Backend} backend
 * @returns {AttentionGradients}
 */
function attentionBackward(dcontexts, hs, alignment, further, { keys, values, lengths, steps: S }, H, backend) {
  const N = lengths.length;
  const T = hs.length / (N * H);
  const [dhs, dkeys, dvalues] = [hs, keys, values].map((each) => backend.zeros(each.length));
  const dweights = new Float64Array(S);
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      const [h, row] = [(t * N + n) * H, (n * T + t) * S];
      let mean = 0;
      for (let s = 0; s < lengths[n]; s++) {
        dweights[s] = dot(dcontexts, h, values, (s * N + n) * H, H);
        mean += alignment[row + s] * dweights[s];
      }
      for (let s = 0; s < lengths[n]; s++) {
        const m = (s * N + n) * H;
        const dscore = alignment[row + s] * (dweights[s] - mean) + (further ? further[row + s] : 0);
        addScaled(dhs, h, dscore, keys, m, H);
        addScaled(dkeys, m, dscore, hs, h, H);
        addScaled(dvalues, m, alignment[row + s], dcontexts, h, H);
      }
    }
  }
  return { dhs, dkeys, dvalues };
}
