/** Where a carry is encoded: a linear classifier on the hidden states of each step, fitted on the spot. */

import { batchOf, carries, fullSums } from "./addition.js";
import { dot, leastSquares, principalComponent } from "./linear.js";
import { sumOf } from "./settings.js";
import { statesOf } from "./trace.js";

/** @import { Subject } from "./trace.js" */
/** @import { Probe, Projection } from "./types.js" */

const SUMS = 750;
const FITTED = 2 / 3; // share of the sums; the others are held out
const RIDGE = 0.01;

/**
 * @typedef {object} Samples  sums with all digits, the hidden states of the model, and whether the sums carry
 * @property {string[]} sources  the first `fitted` are for fitting
 * @property {number} fitted
 * @property {Float64Array} labels  1 with a carry, -1 without
 * @property {Float32Array[]} states  (N, H) after each step of the encoder, then of the decoder
 */

/**
 * @param {Subject} subject
 * @param {number} digits
 * @param {number} place  0 for the carry out of the units
 * @param {number} step  the one to project
 * @param {() => number} random
 * @param {number[]} untrained  accuracy of each step before the first update
 * @returns {{probe: Probe, projection: Projection}}
 */
export function probeCarry(subject, digits, place, step, random, untrained) {
  const samples = draw(subject, digits, place, random);
  const { sources, fitted, labels, states } = samples;
  const { hidden_size: H, reverse } = subject.model.settings;
  const held = sources.length - fitted;
  const { fits, share } = classify(samples, H);
  const positive = labels.subarray(fitted).filter((label) => label > 0).length / held;
  const probe = {
    update: subject.update,
    place,
    digits,
    reverse,
    fitted,
    held,
    chance: Math.max(positive, 1 - positive),
    steps: states.map((_, at) => ({
      side: /** @type {"encoder" | "decoder"} */ (at < 2 * digits + 1 ? "encoder" : "decoder"),
      accuracy: share(at, fitted, sources.length),
      fit: share(at, 0, fitted),
      untrained: untrained[at],
    })),
  };
  const shown = Math.min(Math.max(step, 0), states.length - 1);
  return { probe, projection: { update: subject.update, sums: project(samples, fits[shown], states[shown], H) } };
}

/**
 * The accuracy of each step on the held-out sums.
 *
 * @param {Subject} subject
 * @param {number} digits
 * @param {number} place
 * @param {() => number} random
 */
export function accuraciesOf(subject, digits, place, random) {
  const samples = draw(subject, digits, place, random);
  const { share } = classify(samples, subject.model.settings.hidden_size);
  return samples.states.map((_, at) => share(at, samples.fitted, samples.sources.length));
}

/**
 * Fit a classifier to the states of each step.
 *
 * @param {Samples} samples
 * @param {number} H
 */
function classify({ fitted, labels, states }, H) {
  const fits = states.map((x) => leastSquares(x, labels.subarray(0, fitted), H, RIDGE));
  /** The share of sums `from` to `to` that the classifier of a step has right. */
  const share = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ to) => {
    let right = 0;
    for (let n = from; n < to; n++)
      right += Number(dot(fits[at].w, states[at], n * H) + fits[at].b > 0 === labels[n] > 0);
    return right / (to - from);
  };
  return { fits, share };
}

/**
 * The held-out sums, by the output of the classifier and the direction of largest variance across it.
 *
 * @param {Samples} samples
 * @param {{w: Float64Array, b: number}} fit
 * @param {Float32Array} x  (N, H)
 * @param {number} H
 */
function project({ sources, fitted, labels }, { w, b }, x, H) {
  const { direction, mean } = principalComponent(x, fitted, w);
  return sources.slice(fitted).map((source, index) => ({
    source,
    carry: labels[fitted + index] > 0,
    x: dot(w, x, (fitted + index) * H) + b,
    y: dot(direction, x, (fitted + index) * H) - mean,
  }));
}

/**
 * Draw sums, and run the model on them with their true targets.
 *
 * @param {Subject} subject
 * @param {number} digits
 * @param {number} place
 * @param {() => number} random
 * @returns {Samples}
 */
function draw({ model, weights, backend }, digits, place, random) {
  const sources = fullSums(digits, SUMS, random);
  // All have at least this many target symbols, with the end.
  const targets = sources.map((source) => [...sumOf(source), ""].slice(0, digits + 1));
  const found = model.loss(weights, batchOf(sources, targets, model.settings.reverse), { backend });
  const size = sources.length * model.settings.hidden_size;
  const states = /** @type {const} */ (["encoder", "decoder"]).flatMap((side) => {
    const { hs } = statesOf(found, side);
    return Array.from({ length: hs.length / size - 1 }, (_, t) => hs.slice((t + 1) * size, (t + 2) * size));
  });
  backend.reset();
  const labels = Float64Array.from(sources, (source) => (carries(source, place) ? 1 : -1));
  return { sources, fitted: Math.round(sources.length * FITTED), labels, states };
}
