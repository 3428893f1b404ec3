/** Tasks that generate their pairs. */

import { Random } from "./random.js";

/** @typedef {[source: string, target: string]} Pair */

/** The symbols of sums, in the order of their ids. The first target symbol marks the beginning and the end. */
export const ADDITION_SYMBOLS = { source: [..."+0123456789"], target: ["", ..."0123456789"] };

/**
 * Number of digits -> settings with which a model learns sums of numbers with as many digits quickly.
 *
 * @type {Record<number, {pairs: number, hidden_size: number, batch_size: number, updates: number,
 *   learning_rate: number}>}
 */
export const ADDITION_SETTINGS = {
  1: { pairs: 40, hidden_size: 64, batch_size: 16, updates: 600, learning_rate: 0.02 },
  2: { pairs: 4000, hidden_size: 64, batch_size: 64, updates: 1500, learning_rate: 0.03 },
  3: { pairs: 45_000, hidden_size: 64, batch_size: 128, updates: 1500, learning_rate: 0.03 },
};

/**
 * The number of distinct sums: a+b and b+a count as one.
 *
 * @param {number} digits  largest number of digits of an operand
 */
export function availableSums(digits) {
  return (10 ** digits * (10 ** digits + 1)) / 2;
}

/**
 * Draw distinct sums, as `henkan train addition` does: the number of digits of each operand is uniform from 1 to
 * `digits`, and its value is uniform among the numbers with that many digits. Of a+b and b+a, only one is drawn, so
 * that a model cannot infer a validation target from a training pair by swapping the operands.
 *
 * @param {object} choice
 * @param {number} choice.digits
 * @param {number} choice.count  number of pairs
 * @param {number} choice.seed
 * @returns {Pair[]}  in random order
 */
export function additionPairs({ digits, count, seed }) {
  if (count > availableSums(digits)) {
    throw new RangeError(`there are only ${availableSums(digits)} distinct sums of ${digits} digits; draw fewer`);
  }
  const random = new Random(seed, 1);
  /** @type {Map<number, Pair>} */
  const drawn = new Map();
  while (drawn.size < count) {
    const [a, b] = [operand(digits, random), operand(digits, random)];
    const key = Math.min(a, b) * 10 ** digits + Math.max(a, b);
    if (!drawn.has(key)) drawn.set(key, [`${a}+${b}`, String(a + b)]);
  }
  // Sums of small numbers tend to be drawn first; after shuffling, any part is a random sample.
  const pairs = [...drawn.values()];
  return Array.from(random.permutation(count), (at) => pairs[at]);
}

/**
 * @param {number} digits
 * @param {Random} random
 */
function operand(digits, random) {
  const length = 1 + random.below(digits);
  const least = length === 1 ? 0 : 10 ** (length - 1);
  return least + random.below(10 ** length - least);
}

/**
 * Split pairs into training and validation pairs.
 *
 * @template P
 * @param {readonly P[]} pairs  in random order
 * @param {number} share  of the validation pairs, from 0 to below 1; at least one pair remains for training
 * @returns {{training: P[], validation: P[]}}
 */
export function splitPairs(pairs, share) {
  const count = Math.min(Math.round(pairs.length * share), pairs.length - 1);
  return { training: pairs.slice(count), validation: pairs.slice(0, count) };
}
