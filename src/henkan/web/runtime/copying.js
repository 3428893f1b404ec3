/**
 * Copying: an output layer that predicts a symbol or copies one from the source (pointer-generator network).
 *
 * At step t, with attention weights over the source steps s, with z_t = a_t w + b, where a_t is the input of the output
 * layer, and with the softmax P_vocabulary over the V symbols of the output layer:
 *
 *     c_ts = weight_ts / sum_s' weight_ts'             over the source symbols that can be copied
 *     g_t  = sigmoid(z_t)
 *     P(v) = (1 - g_t) P_vocabulary(v) + g_t sum_s c_ts    over the source steps s whose copy id is v
 *
 * The copy id of a source symbol is the id of the same symbol in the target vocabulary, or V + a source position if it
 * lacks the symbol, or negative if the symbol is never copied. If a source has no symbol to copy, g_t is 0. As the next
 * input of the decoder, all symbols of V or more share one learned embedding, `copied`.
 */

import { addTo, affine, countValid, logSoftmax, outputGradients, outputLogits, weight } from "./layers.js";

/** @import { OutputGradients } from "./layers.js" */
/** @import { Backend, Targets, Weights } from "./types.js" */

const SMALLEST_WEIGHT = 1.2e-38; // attention weights are raised to it, so that no probability is zero

/**
 * The embeddings of the decoder's inputs: E (V, D) and, as the last row, that of copied symbols.
 *
 * @param {Weights} weights
 * @param {Backend} backend
 */
export function inputTable(weights, backend) {
  const E = weight(weights, "decoder.E");
  const copied = weights["decoder.copied"];
  if (!copied) return E;
  const table = backend.empty(E.length + copied.length);
  table.set(E);
  table.set(copied, E.length);
  return table;
}

/**
 * The rows of `inputTable` for symbols.
 *
 * @param {Weights} weights
 * @param {Int32Array} symbols
 */
export function inputRows(weights, symbols) {
  if (!("decoder.copied" in weights)) return symbols;
  const V = weight(weights, "decoder.by").length;
  return symbols.map((symbol) => Math.min(symbol, V));
}

/**
 * Add the gradient of `inputTable` to those of the weights.
 *
 * @param {Weights} gradients
 * @param {Float32Array} dtable
 */
export function addTableGradient(gradients, dtable) {
  const dE = weight(gradients, "decoder.E");
  addTo(dE, dtable.subarray(0, dE.length));
  const dcopied = gradients["decoder.copied"];
  if (dcopied) addTo(dcopied, dtable.subarray(dE.length));
}

/**
 * @typedef {object} Pointer  what is needed to copy source symbols
 * @property {Float32Array} alignment  (N, T, S) attention weights
 * @property {Int32Array} copyIds  (S, N)
 */

/**
 * The weights c_ts of one step and sequence, and whether any symbol can be copied.
 *
 * @param {Pointer} pointer
 * @param {number} row  n T + t, the row of the alignment
 * @param {number} n
 * @param {number} N
 * @param {Float64Array} c  (S) filled in
 */
function copyWeights({ alignment, copyIds }, row, n, N, c) {
  let sum = 0;
  for (let s = 0; s < c.length; s++) {
    c[s] = copyIds[s * N + n] >= 0 ? Math.max(alignment[row * c.length + s], SMALLEST_WEIGHT) : 0;
    sum += c[s];
  }
  if (sum > 0) for (let s = 0; s < c.length; s++) c[s] /= sum;
  return sum > 0;
}

/**
 * log(1 + exp(x)) without overflow.
 *
 * @param {number} x
 */
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * log(exp(x) + exp(y)) without overflow.
 *
 * @param {number} x
 * @param {number} y
 */
function logAddExp(x, y) {
  if (x === -Infinity && y === -Infinity) return -Infinity;
  return Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
}

/**
 * Output layer and cross-entropy with copying: the mean over valid steps of -log P(target). The derivatives are those
 * of a mixture: with r, the share of copying in P(target), and with m_ts = c_ts / sum_s' c_ts' over the steps that have
 * the target, and 0 at the others,
 *
 *     dlogits = (1 - r) (P_vocabulary - one-hot target)        dgate = g - r        dscore_ts = r (c_ts - m_ts)
 *
 * @param {Weights} weights  decoder.copy_w (H, 1) and decoder.copy_b (1)
 * @param {Float32Array} out  (T, N, H) the inputs of the output layer
 * @param {{W: Float32Array, b: Float32Array}} layer  (H, V) and (V)
 * @param {Pointer} pointer
 * @param {Targets} targets
 * @param {Float32Array | null} scores  (N, V), added to the logits at every step, or null
 * @param {Backend} backend
 * @returns {{loss: number, logProbabilities: Float32Array, backward: (gradients: Weights) =>
 *   {output: OutputGradients, dscores: Float32Array}}}  the loss in nats per symbol, log P_vocabulary (T, N, V), and
 *   backward, which returns the gradients of the output layer and of the attention scores (N, T, S), and adds those of
 *   the weights to its argument
 */
export function copyingLoss(weights, out, layer, pointer, targets, scores, backend) {
  const gate = affine(out, weight(weights, "decoder.copy_w"), weight(weights, "decoder.copy_b"), backend);
  const logProbabilities = logSoftmax(outputLogits(out, layer, scores, backend), layer.b.length);
  const dlogits = backend.zeros(logProbabilities.length);
  const dgates = backend.zeros(targets.ids.length);
  const dscores = backend.zeros(pointer.alignment.length);
  const divisor = countValid(targets.valid);
  const given = { logProbabilities, z: gate.y, pointer, targets, divisor };
  let loss = 0;
  targets.valid.forEach((valid, row) => (loss += valid ? stepLoss(given, row, { dlogits, dgates, dscores }) : 0));
  return {
    loss: loss / divisor,
    logProbabilities,
    backward(gradients) {
      const output = outputGradients(dlogits, out, layer, scores?.length ?? 0, backend);
      const dw = weight(gradients, "decoder.copy_w");
      addTo(output.dx, gate.backward(dgates, dw, weight(gradients, "decoder.copy_b")));
      return { output, dscores };
    },
  };
}

/**
 * The loss of one step of one sequence, whose derivatives are filled in.
 *
 * @param {{logProbabilities: Float32Array, z: Float32Array, pointer: Pointer, targets: Targets, divisor: number}} given
 * @param {number} row  t N + n
 * @param {{dlogits: Float32Array, dgates: Float32Array, dscores: Float32Array}} d
 */
function stepLoss({ logProbabilities, z, pointer, targets, divisor }, row, { dlogits, dgates, dscores }) {
  const [T, V] = [targets.active.length, logProbabilities.length / targets.ids.length];
  const N = targets.ids.length / T;
  const S = pointer.copyIds.length / N;
  const [t, n, wanted] = [Math.floor(row / N), row % N, targets.ids[row]];
  const c = new Float64Array(S);
  const possible = copyWeights(pointer, n * T + t, n, N, c);
  const matches = (/** @type {number} */ s) => pointer.copyIds[s * N + n] === wanted;
  const mass = c.reduce((sum, each, s) => sum + (matches(s) ? each : 0), 0);
  const byVocabulary = wanted < V ? logProbabilities[row * V + wanted] - (possible ? softplus(z[row]) : 0) : -Infinity;
  const logProbability = logAddExp(byVocabulary, Math.log(mass) - softplus(-z[row]));
  const predicted = Math.exp(byVocabulary - logProbability); // 1 - r
  for (let v = 0; v < V; v++) {
    dlogits[row * V + v] = (predicted * (Math.exp(logProbabilities[row * V + v]) - (v === wanted ? 1 : 0))) / divisor;
  }
  dgates[row] = possible ? (Math.exp(-softplus(-z[row])) - (1 - predicted)) / divisor : 0;
  for (let s = 0; s < S; s++) {
    const m = mass > 0 && matches(s) ? c[s] / mass : 0;
    dscores[(n * T + t) * S + s] = ((1 - predicted) * (c[s] - m)) / divisor;
  }
  return -logProbability;
}

/**
 * Log-probabilities (N, V + S) of the next symbol, in nats; minus infinity for ids that the source does not have.
 *
 * @param {Weights} weights
 * @param {Float32Array} out  (N, H) the input of the output layer
 * @param {Float32Array} vocabulary  (N, V) log P_vocabulary
 * @param {Pointer} pointer  with one step
 * @param {Backend} backend
 */
export function copyingStep(weights, out, vocabulary, pointer, backend) {
  const { y: z } = affine(out, weight(weights, "decoder.copy_w"), weight(weights, "decoder.copy_b"), backend);
  const N = z.length;
  const [V, S] = [vocabulary.length / N, pointer.copyIds.length / N];
  const logs = new Float32Array(N * (V + S)).fill(-Infinity);
  const c = new Float64Array(S);
  for (let n = 0; n < N; n++) {
    const possible = copyWeights(pointer, n, n, N, c);
    const copied = new Float64Array(V + S);
    c.forEach((each, s) => (copied[Math.max(pointer.copyIds[s * N + n], 0)] += each));
    copied.forEach((mass, v) => {
      const predicted = v < V ? vocabulary[n * V + v] - (possible ? softplus(z[n]) : 0) : -Infinity;
      logs[n * (V + S) + v] = logAddExp(predicted, Math.log(mass) - softplus(-z[n]));
    });
  }
  return logs;
}
