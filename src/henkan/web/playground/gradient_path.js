/** How much of the loss gradient arrives at each step, back in time. */

import { batchOf, carries, fullSums } from "./addition.js";
import { sumOf } from "./settings.js";
import { statesOf } from "./trace.js";

/** @import { Subject } from "./trace.js" */
/** @import { GradientPath } from "./types.js" */

const SUMS = 64;

/**
 * For each target symbol, the mean norm of the gradient of its loss with respect to the hidden state after each step,
 * with the weights as they are: for sources in the order that the model reads, and in the other order.
 *
 * The sums have all digits and no carry out of the first place, so that all have the same number of steps.
 *
 * @param {Subject} subject
 * @param {number} digits
 * @param {() => number} random
 * @returns {GradientPath}
 */
export function gradientPath(subject, digits, random) {
  const { reverse } = subject.model.settings;
  const sources = fullSums(digits, SUMS, random, (source) => !carries(source, digits - 1));
  return {
    update: subject.update,
    digits,
    count: sources.length,
    orders: [reverse, !reverse].map((order) => ({ reverse: order, norms: normsOf(subject, sources, digits, order) })),
  };
}

/**
 * @param {Subject} subject
 * @param {string[]} sources
 * @param {number} digits
 * @param {boolean} reverse
 */
export function normsOf({ model, weights, backend }, sources, digits, reverse) {
  const N = sources.length;
  const targets = sources.map((source) => [...sumOf(source), ""]);
  return Array.from({ length: digits + 1 }, (_, wanted) => {
    const batch = batchOf(sources, targets, reverse);
    batch.targets.valid.forEach((_, at) => (batch.targets.valid[at] = Number(Math.floor(at / N) === wanted)));
    const found = model.loss(weights, batch, { backend, trace: true });
    const gradients = Object.fromEntries(
      Object.entries(weights).map(([name, each]) => [name, backend.zeros(each.length)]),
    );
    found.backward(gradients);
    const H = model.settings.hidden_size;
    const norms = /** @type {const} */ (["encoder", "decoder"]).flatMap((side) =>
      meanNorms(/** @type {Float32Array} */ (statesOf(found, side).dhs), N, H),
    );
    backend.reset();
    return norms;
  });
}

/**
 * The mean over the batch of the norm of each step's gradient, without row 0, the state before the first step.
 *
 * @param {Float32Array} dhs  (T + 1, N, H) gradients of a mean loss over N sums
 * @param {number} N
 * @param {number} H
 */
function meanNorms(dhs, N, H) {
  const steps = dhs.length / (N * H) - 1;
  return Array.from({ length: steps }, (_, t) => {
    let sum = 0;
    for (let n = 0; n < N; n++) {
      const at = ((t + 1) * N + n) * H;
      sum += Math.hypot(...dhs.subarray(at, at + H));
    }
    return sum; // each gradient is that of the mean, so the factors N and 1 / N cancel
  });
}
