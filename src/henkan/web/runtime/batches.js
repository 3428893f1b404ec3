/** Training pairs as batches of padded arrays. */

/** @import { Batch, Sources } from "./types.js" */

const START = 0; // the symbol that marks the beginning and the end of a target

/**
 * @typedef {object} EncodedPair  a pair as symbol ids
 * @property {Int32Array} source  in the order in which the encoder reads it
 * @property {Int32Array} target  with the end symbol
 */

/**
 * Encode a string of symbols of one character each.
 *
 * @param {string} text
 * @param {Map<string, number>} ids
 */
export function encodeText(text, ids) {
  return Int32Array.from([...text], (symbol) => {
    const id = ids.get(symbol);
    if (id === undefined) throw new RangeError(`the model does not know the symbol ${symbol}; use other symbols`);
    return id;
  });
}

/**
 * Sources, padded.
 *
 * @param {Int32Array[]} sources  sorted by falling length
 * @returns {Sources}
 */
export function padSources(sources) {
  const { ids, active } = padded(sources);
  return { count: sources.length, ids, active, copyIds: null };
}

/**
 * @param {Int32Array[]} sequences
 */
function padded(sequences) {
  const N = sequences.length;
  const steps = Math.max(0, ...sequences.map(({ length }) => length));
  const ids = new Int32Array(steps * N);
  const valid = new Uint8Array(steps * N);
  const active = new Int32Array(steps);
  sequences.forEach((sequence, n) =>
    sequence.forEach((id, t) => {
      ids[t * N + n] = id;
      valid[t * N + n] = 1;
      active[t] = n + 1; // of all sequences up to the last one that runs
    }),
  );
  return { ids, valid, active };
}

/**
 * A batch of pairs, sorted by decreasing length of the sources, then of the targets.
 *
 * @param {EncodedPair[]} pairs
 * @returns {Batch}
 */
export function batchOfPairs(pairs) {
  const sorted = pairs.toSorted((x, y) => y.source.length - x.source.length || y.target.length - x.target.length);
  const { ids, valid, active } = padded(sorted.map(({ target }) => target));
  const N = pairs.length;
  const inputs = new Int32Array(ids.length).fill(START);
  inputs.set(ids.subarray(0, ids.length - N), N);
  return { sources: padSources(sorted.map(({ source }) => source)), targets: { inputs, ids, valid, active } };
}
