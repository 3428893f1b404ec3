/** Affine layer, embedding, softmax, and the output layer with its loss. Sizes follow from lengths of arrays. */

/** @import { Backend, Targets, Weights } from "./types.js" */

/**
 * The weight of this name.
 *
 * @param {Weights} weights
 * @param {string} name
 * @returns {Float32Array}
 */
export function weight(weights, name) {
  const found = weights[name];
  if (!found) throw new RangeError(`there is no weight ${name}`);
  return found;
}

/**
 * Affine layer: y = x W + b.
 *
 * @param {Float32Array} x  (R, D)
 * @param {Float32Array} W  (D, M)
 * @param {Float32Array} b  (M)
 * @param {Backend} backend
 * @returns {{y: Float32Array, backward: (dy: Float32Array, dW: Float32Array, db: Float32Array) => Float32Array}}
 *   y (R, M), and backward: dy (R, M) -> dx (R, D); it adds the gradients of the weights to dW and db
 */
export function affine(x, W, b, backend) {
  const M = b.length;
  const D = W.length / M;
  const R = x.length / D;
  const y = repeated(b, R, backend);
  backend.addAB(y, x, W, R, D, M);
  return {
    y,
    backward(dy, dW, db) {
      const dx = backend.zeros(x.length);
      backend.addABT(dx, dy, W, R, M, D);
      backend.addATB(dW, x, dy, D, R, M);
      addColumns(db, dy);
      return dx;
    },
  };
}

/**
 * A row, repeated.
 *
 * @param {Float32Array} row  (M)
 * @param {number} count
 * @param {Backend} backend
 */
function repeated(row, count, backend) {
  const rows = backend.empty(count * row.length);
  for (let at = 0; at < rows.length; at += row.length) rows.set(row, at);
  return rows;
}

/**
 * Add the sum of the rows of `rows` (R, M) to `sums` (M).
 *
 * @param {Float32Array} sums
 * @param {Float32Array} rows
 */
function addColumns(sums, rows) {
  const M = sums.length;
  for (let at = 0; at < rows.length; at += M) {
    for (let j = 0; j < M; j++) sums[j] += rows[at + j];
  }
}

/**
 * Embedding and affine layer in one, as a table with row indices: table[rows] = E[ids] W + b.
 *
 * The result is the same in either order, because E[ids] W = (E W)[ids]. If the vocabulary is smaller than the batch, E
 * is multiplied once. Otherwise the batch is multiplied.
 *
 * @param {Int32Array} ids  of R symbols
 * @param {Float32Array} E  (V, D)
 * @param {Float32Array} W  (D, M)
 * @param {Float32Array} b  (M)
 * @param {Backend} backend
 * @returns {{table: Float32Array, rows: Int32Array, backward: (dtable: Float32Array, dE: Float32Array,
 *   dW: Float32Array, db: Float32Array) => void}}  backward adds the gradients to dE, dW and db
 */
export function projectSymbols(ids, E, W, b, backend) {
  const D = W.length / b.length;
  if (E.length / D <= ids.length) {
    const { y, backward } = affine(E, W, b, backend);
    return { table: y, rows: ids, backward: (dtable, dE, dW, db) => addTo(dE, backward(dtable, dW, db)) };
  }
  const x = backend.empty(ids.length * D);
  ids.forEach((id, row) => x.set(E.subarray(id * D, (id + 1) * D), row * D));
  const { y, backward } = affine(x, W, b, backend);
  return {
    table: y,
    rows: Int32Array.from(ids.keys()),
    backward: (dtable, dE, dW, db) => addRowsAt(dE, ids, backward(dtable, dW, db), D),
  };
}

/**
 * x += y.
 *
 * @param {Float32Array} x
 * @param {Float32Array} y
 */
export function addTo(x, y) {
  for (let k = 0; k < y.length; k++) x[k] += y[k];
}

/**
 * table[ids[r]] += rows[r] for the first rows.
 *
 * @param {Float32Array} table  (V, D)
 * @param {Int32Array} ids
 * @param {Float32Array} rows  (R, D)
 * @param {number} D
 * @param {number} [count]  number of rows
 */
export function addRowsAt(table, ids, rows, D, count = ids.length) {
  for (let row = 0; row < count; row++) {
    const [to, from] = [ids[row] * D, row * D];
    for (let k = 0; k < D; k++) table[to + k] += rows[from + k];
  }
}

/**
 * Replace logits (R, V) by their log-probabilities, log(exp(logits) / sum(exp(logits))), without overflow.
 *
 * @param {Float32Array} logits
 * @param {number} V
 */
export function logSoftmax(logits, V) {
  for (let at = 0; at < logits.length; at += V) {
    let largest = -Infinity;
    for (let j = at; j < at + V; j++) largest = Math.max(largest, logits[j]);
    let total = 0;
    for (let j = at; j < at + V; j++) total += Math.exp(logits[j] - largest);
    const shift = largest + Math.log(total);
    for (let j = at; j < at + V; j++) logits[j] -= shift;
  }
  return logits;
}

/**
 * Logits of the output layer: x W + b + scores.
 *
 * @param {Float32Array} x  (T, N, H)
 * @param {{W: Float32Array, b: Float32Array}} layer  (H, V) and (V)
 * @param {Float32Array | null} scores  (N, V), added at every step, or null
 * @param {Backend} backend
 */
export function outputLogits(x, { W, b }, scores, backend) {
  const V = b.length;
  const H = W.length / V;
  const logits = repeated(b, x.length / H, backend);
  if (scores) {
    for (let k = 0; k < logits.length; k++) logits[k] += scores[k % scores.length];
  }
  backend.addAB(logits, x, W, x.length / H, H, V);
  return logits;
}

/**
 * The gradients of `outputLogits`.
 *
 * @param {Float32Array} dlogits  (T, N, V)
 * @param {Float32Array} x  (T, N, H)
 * @param {{W: Float32Array, b: Float32Array}} layer
 * @param {number} scores  length of the scores; 0 without
 * @param {Backend} backend
 * @returns {OutputGradients}
 */
export function outputGradients(dlogits, x, { W, b }, scores, backend) {
  const V = b.length;
  const H = W.length / V;
  const [dx, dW, db] = [backend.zeros(x.length), backend.zeros(W.length), backend.zeros(V)];
  backend.addABT(dx, dlogits, W, x.length / H, V, H);
  backend.addATB(dW, x, dlogits, H, x.length / H, V);
  addColumns(db, dlogits);
  if (!scores) return { dx, dW, db, dscores: null };
  const dscores = backend.zeros(scores);
  addColumns(dscores, dlogits);
  return { dx, dW, db, dscores };
}

/**
 * @typedef {object} OutputGradients  gradients of the output layer
 * @property {Float32Array} dx  (T, N, H)
 * @property {Float32Array} dW  (H, V)
 * @property {Float32Array} db  (V)
 * @property {Float32Array | null} dscores  (N, V), or null without scores
 */

/**
 * Output layer and cross-entropy: the mean over valid steps of -log p(target), p = softmax(x W + b + scores).
 *
 * The derivative with respect to the logits is (p - one-hot target) / number of valid steps.
 *
 * @param {Float32Array} x  (T, N, H)
 * @param {{W: Float32Array, b: Float32Array}} layer  (H, V) and (V)
 * @param {Targets} targets
 * @param {Float32Array | null} scores  (N, V), added to the logits at every step, or null
 * @param {Backend} backend
 * @returns {{loss: number, logProbabilities: Float32Array, backward: () => OutputGradients}}  the loss in nats per
 *   symbol, and log-probabilities (T, N, V)
 */
export function outputLoss(x, layer, targets, scores, backend) {
  const V = layer.b.length;
  const logProbabilities = logSoftmax(outputLogits(x, layer, scores, backend), V);
  const { ids, valid } = targets;
  const divisor = countValid(valid);
  let loss = 0;
  ids.forEach((id, row) => (loss -= valid[row] ? logProbabilities[row * V + id] : 0));
  return {
    loss: loss / divisor,
    logProbabilities,
    backward() {
      const dlogits = backend.zeros(logProbabilities.length);
      for (let row = 0; row < ids.length; row++) {
        if (!valid[row]) continue;
        for (let j = row * V; j < (row + 1) * V; j++) dlogits[j] = Math.exp(logProbabilities[j]) / divisor;
        const at = row * V + ids[row];
        dlogits[at] = Math.expm1(logProbabilities[at]) / divisor; // p - 1, also exact if p is nearly 1
      }
      return outputGradients(dlogits, x, layer, scores?.length ?? 0, backend);
    },
  };
}

/**
 * The number of valid steps, at least 1.
 *
 * @param {Uint8Array} valid
 */
export function countValid(valid) {
  return Math.max(
    valid.reduce((sum, each) => sum + each, 0),
    1,
  );
}
