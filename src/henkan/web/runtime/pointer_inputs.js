/** What the decoder of the transducer reads: the states under its pointer, and the sum of the feature tags. */

import { weight } from "./layers.js";

/** @import { Backend, Sources, Weights } from "./types.js" */

/**
 * The row of the states under each position of the pointer, (S + 1, N). The states are those of the encoder as (S N,
 * M), and in row S N that of the end.
 *
 * @param {{first: Int32Array, last: Int32Array, steps: number, reverse: boolean}} sources  the positions of the first
 *   symbol of the text and after the last one; whether the pointer moves from the last symbol to the first
 */
export function rowsUnderPointers({ first, last, steps: S, reverse }) {
  const N = first.length;
  return Int32Array.from({ length: (S + 1) * N }, (_, at) => {
    const [p, n] = [Math.floor(at / N), at % N];
    if (p >= last[n]) return S * N;
    return (reverse && p >= first[n] ? first[n] + last[n] - 1 - p : p) * N + n;
  });
}

/**
 * The states that pointers may be at, and their contributions to the gates: the encoder's states and the end, times Wp.
 *
 * @param {Weights} weights
 * @param {Float32Array} states  (S N, M)
 * @param {Backend} backend
 * @returns {{read: Float32Array, inputs: Float32Array}}  (S N + 1, M) and (S N + 1, 4H)
 */
export function readStates(weights, states, backend) {
  const [end, Wp] = [weight(weights, "decoder.end"), weight(weights, "decoder.Wp")];
  const read = backend.empty(states.length + end.length);
  read.set(states);
  read.set(end, states.length);
  const rows = read.length / end.length;
  const inputs = backend.zeros((rows * Wp.length) / end.length);
  backend.addAB(inputs, read, Wp, rows, end.length, Wp.length / end.length);
  return { read, inputs };
}

/**
 * The sum of the embeddings of the feature tags, and its contribution to the gates; null for a model without tags.
 *
 * @param {Weights} weights
 * @param {Sources} sources
 * @param {Int32Array} counts  (N) number of tags of each source
 * @param {Backend} backend
 * @returns {{sums: Float32Array, inputs: Float32Array} | null}  (N, D) and (N, 4H)
 */
export function readTags(weights, { ids, count: N }, counts, backend) {
  const Wt = weights["decoder.Wt"];
  if (!Wt) return null;
  const width = weight(weights, "decoder.lstm1.b").length;
  const [E, D] = [weight(weights, "encoder.E"), Wt.length / width];
  const [sums, inputs] = [backend.zeros(N * D), backend.zeros(N * width)];
  counts.forEach((count, n) => {
    for (let s = 0; s < count; s++) {
      for (let k = 0; k < D; k++) sums[n * D + k] += E[ids[s * N + n] * D + k];
    }
  });
  backend.addAB(inputs, sums, Wt, N, D, width);
  return { sums, inputs };
}

/**
 * The sums of rows of two tables of contributions to the gates.
 *
 * @param {{table: Float32Array, rows: Int32Array}} first
 * @param {{table: Float32Array, rows: Int32Array}} second
 * @param {number} width  of the tables
 * @param {Backend} backend
 */
export function sumsOfRows(first, second, width, backend) {
  const sums = backend.empty(first.rows.length * width);
  for (let row = 0; row < first.rows.length; row++) {
    const [a, b, to] = [first.rows[row] * width, second.rows[row] * width, row * width];
    for (let k = 0; k < width; k++) sums[to + k] = first.table[a + k] + second.table[b + k];
  }
  return sums;
}
