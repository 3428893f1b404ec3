/** Adam, and gradient clipping by global norm, for one flat vector of weights. */

/** @import { Backend } from "./types.js" */

/**
 * @typedef {object} AdamStep  factors of one update
 * @property {number} rate  learning rate / (1 - beta1^t)
 * @property {number} decay  factor of the weights, 1 without weight decay
 * @property {number} rest1  1 - beta1
 * @property {number} rest2  1 - beta2
 * @property {number} scale  1 / sqrt(1 - beta2^t)
 * @property {number} epsilon  added to the denominator
 */

/**
 * One update of weights, m and v in place.
 *
 * @param {Float32Array} weights
 * @param {Float32Array} gradient
 * @param {Float32Array} m
 * @param {Float32Array} v
 * @param {AdamStep} step
 */
export function adam(weights, gradient, m, v, { rate, decay, rest1, rest2, scale, epsilon }) {
  for (let k = 0; k < weights.length; k++) {
    const g = gradient[k];
    const mean = (m[k] += rest1 * (g - m[k]));
    const square = (v[k] += rest2 * (g * g - v[k]));
    weights[k] = weights[k] * decay - (rate * mean) / (Math.sqrt(square) * scale + epsilon);
  }
}

/** Adam (Kingma & Ba 2015, algorithm 1) with decoupled weight decay (AdamW, Loshchilov & Hutter 2019). */
export class Adam {
  /**
   * @param {number} size  of the vector of weights
   * @param {{beta2: number, weight_decay: number}} settings
   * @param {Backend} backend
   */
  constructor(size, { beta2, weight_decay }, backend) {
    this.beta1 = 0.9;
    this.beta2 = beta2;
    this.weightDecay = weight_decay;
    this.m = backend.keep(size);
    this.v = backend.keep(size);
    this.steps = 0;
    this.backend = backend;
  }

  /**
   * Update weights in place with their gradient:
   *
   *     m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
   *     w <- (1 - lr decay) w - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)
   *
   * @param {Float32Array} weights
   * @param {Float32Array} gradient
   * @param {number} learningRate
   */
  update(weights, gradient, learningRate) {
    this.steps += 1;
    this.backend.adam(weights, gradient, this.m, this.v, {
      rate: learningRate / (1 - this.beta1 ** this.steps),
      decay: 1 - learningRate * this.weightDecay,
      rest1: 1 - this.beta1,
      rest2: 1 - this.beta2,
      scale: 1 / Math.sqrt(1 - this.beta2 ** this.steps),
      epsilon: 1e-8,
    });
  }
}

/**
 * Scale a gradient in place so that its norm is at most `limit`; return the original norm.
 *
 * @param {Float32Array} gradient
 * @param {number} limit
 */
export function clipByGlobalNorm(gradient, limit) {
  let square = 0;
  for (let k = 0; k < gradient.length; k++) square += gradient[k] * gradient[k];
  const norm = Math.sqrt(square);
  if (norm > limit) for (let k = 0; k < gradient.length; k++) gradient[k] *= limit / norm;
  return norm;
}
