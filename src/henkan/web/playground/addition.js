/** Sums as batches for the encoder-decoder, and what is known about them. */

import { ADDITION_SYMBOLS } from "../runtime/tasks.js";

/** @import { Batch } from "../runtime/types.js" */

/** Target symbols by id. The first one is the boundary. */
export const TARGET_SYMBOLS = ADDITION_SYMBOLS.target;
const SOURCE_IDS = new Map(ADDITION_SYMBOLS.source.map((symbol, id) => [symbol, id]));
const TARGET_IDS = new Map(TARGET_SYMBOLS.map((symbol, id) => [symbol, id]));

/**
 * Source symbols in the order in which the encoder reads them.
 *
 * @param {string} source
 * @param {boolean} reverse
 */
export function inReadingOrder(source, reverse) {
  const symbols = Array.from(source);
  return reverse ? symbols.reverse() : symbols;
}

/**
 * The ids of target symbols.
 *
 * @param {string[]} symbols  "" is the boundary
 */
export function targetIds(symbols) {
  return symbols.map((symbol) => /** @type {number} */ (TARGET_IDS.get(symbol)));
}

/**
 * A batch of sources of equal length, and of the same number of target symbols for each.
 *
 * @param {string[]} sources
 * @param {string[][]} targets  symbols to predict; "" is the end
 * @param {boolean} reverse
 * @returns {Batch}
 */
export function batchOf(sources, targets, reverse) {
  const N = sources.length;
  const read = sources.map((source) => inReadingOrder(source, reverse).map((symbol) => SOURCE_IDS.get(symbol) ?? 0));
  const ids = targets.map(targetIds);
  const [S, T] = [read[0].length, ids[0].length];
  const columns = (/** @type {number} */ steps, /** @type {(t: number, n: number) => number} */ value) =>
    Int32Array.from({ length: steps * N }, (_, at) => value(Math.floor(at / N), at % N));
  return {
    sources: { count: N, ids: columns(S, (t, n) => read[n][t]), active: new Int32Array(S).fill(N), copyIds: null },
    targets: {
      inputs: columns(T, (t, n) => (t ? ids[n][t - 1] : 0)),
      ids: columns(T, (t, n) => ids[n][t]),
      valid: new Uint8Array(T * N).fill(1),
      active: new Int32Array(T).fill(N),
    },
  };
}

/**
 * Draw different sums of two numbers that have all digits.
 *
 * @param {number} digits
 * @param {number} count  fewer are returned if there are not as many
 * @param {() => number} random  numbers from 0 to below 1
 * @param {(source: string) => boolean} [wanted]
 */
export function fullSums(digits, count, random, wanted = () => true) {
  const least = digits === 1 ? 0 : 10 ** (digits - 1);
  const numbers = 10 ** digits - least;
  /** @type {Set<string>} */
  const sums = new Set();
  const most = Math.min(count, Math.floor(numbers ** 2 * 0.9));
  for (let tries = 0; sums.size < most && tries < 100 * count; tries++) {
    const source = `${least + Math.floor(random() * numbers)}+${least + Math.floor(random() * numbers)}`;
    if (wanted(source)) sums.add(source);
  }
  return [...sums];
}

/**
 * Whether a sum carries out of a place.
 *
 * @param {string} source
 * @param {number} place  0 for the units
 */
export function carries(source, place) {
  const unit = 10 ** (place + 1);
  return source.split("+").reduce((sum, number) => sum + (Number(number) % unit), 0) >= unit;
}
