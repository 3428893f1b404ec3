/**
 * The elementwise part of an LSTM step, in plain JavaScript.
 *
 * With the gates' inputs a split into four parts of H columns, in the order of the NumPy engine:
 *
 *     i = sigmoid(a_i)    f = sigmoid(a_f)    g = tanh(a_g)    o = sigmoid(a_o)
 *     c_t = f * c_{t-1} + i * g
 *     h_t = o * tanh(c_t)
 */

/** @import { CellArrays } from "./types.js" */

/**
 * Activate the gates in place, and compute the cell and hidden states after the step.
 *
 * @param {CellArrays} cell  `gates` holds their inputs; `after` is filled in
 * @param {Float32Array} hidden  (N, H), filled in
 * @param {number} n  number of sequences that run
 * @param {number} H
 */
export function cellForward({ gates, before, after }, hidden, n, H) {
  for (let row = 0; row < n; row++) {
    for (let k = row * H, a = row * 4 * H; k < (row + 1) * H; k++, a++) {
      const i = (gates[a] = sigmoid(gates[a]));
      const f = (gates[a + H] = sigmoid(gates[a + H]));
      const g = (gates[a + 2 * H] = Math.tanh(gates[a + 2 * H]));
      const o = (gates[a + 3 * H] = sigmoid(gates[a + 3 * H]));
      const c = (after[k] = f * before[k] + i * g);
      hidden[k] = o * Math.tanh(c);
    }
  }
}

/**
 * The derivative of `cellForward`.
 *
 * @param {CellArrays} cell  as `cellForward` left it
 * @param {Float32Array} da  (N, 4H), filled in: the gradients of the gates' inputs
 * @param {Float32Array} dh  (N, H) gradients of the hidden states after the step
 * @param {Float32Array} dc  (N, H) gradients of the cell states after the step; turned into those before it
 * @param {number} n  number of sequences that run
 * @param {number} H
 */
export function cellBackward({ gates, before, after }, da, dh, dc, n, H) {
  for (let row = 0; row < n; row++) {
    for (let k = row * H, a = row * 4 * H; k < (row + 1) * H; k++, a++) {
      const [i, f, g, o] = [gates[a], gates[a + H], gates[a + 2 * H], gates[a + 3 * H]];
      const tanh = Math.tanh(after[k]);
      const d = dc[k] + dh[k] * o * (1 - tanh * tanh);
      da[a] = d * g * i * (1 - i);
      da[a + H] = d * before[k] * f * (1 - f);
      da[a + 2 * H] = d * i * (1 - g * g);
      da[a + 3 * H] = dh[k] * tanh * o * (1 - o);
      dc[k] = d * f;
    }
  }
}

/** @param {number} x */
export function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}
