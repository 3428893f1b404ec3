/** Greedy predictions of many sources at once, for models with an end symbol. */

import { padSources } from "./batches.js";

/** @import { EncoderDecoder } from "./encoder_decoder.js" */
/** @import { Backend, Weights } from "./types.js" */

const END = 0; // it also marks the beginning
const BATCH = 256;

/**
 * The most probable symbol at every step, until the end symbol.
 *
 * @param {EncoderDecoder} model
 * @param {Weights} weights
 * @param {Int32Array[]} sources  symbol ids in the order in which the encoder reads them
 * @param {number} longest  largest number of steps
 * @param {Backend} backend  it is reset
 * @returns {number[][]}  symbols of each source, without the end symbol
 */
export function predictSymbols(model, weights, sources, longest, backend) {
  const order = [...sources.keys()].sort((x, y) => sources[y].length - sources[x].length);
  /** @type {number[][]} */
  const outputs = sources.map(() => []);
  for (let start = 0; start < order.length; start += BATCH) {
    const rows = order.slice(start, start + BATCH);
    const found = predictBatch(
      model,
      weights,
      rows.map((row) => sources[row]),
      longest,
      backend,
    );
    rows.forEach((row, n) => (outputs[row] = found[n]));
  }
  return outputs;
}

/**
 * @param {EncoderDecoder} model
 * @param {Weights} weights
 * @param {Int32Array[]} sources  sorted by falling length
 * @param {number} longest
 * @param {Backend} backend
 */
function predictBatch(model, weights, sources, longest, backend) {
  backend.reset();
  let { memory, state } = model.encode(weights, padSources(sources), backend);
  const last = new Int32Array(sources.length).fill(END);
  const ended = new Uint8Array(sources.length);
  /** @type {number[][]} */
  const outputs = sources.map(() => []);
  for (let step = 0; step < longest && ended.includes(0); step++) {
    const { logProbabilities, symbols, state: next } = model.step(weights, memory, state, last, backend);
    for (let n = 0; n < last.length; n++) {
      last[n] = largest(logProbabilities, n * symbols, symbols);
      if (last[n] === END) ended[n] = 1;
      if (!ended[n]) outputs[n].push(last[n]);
    }
    state = next;
  }
  return outputs;
}

/**
 * The position of the largest of `count` numbers from `start` on, counted from there.
 *
 * @param {Float32Array} numbers
 * @param {number} start
 * @param {number} count
 */
function largest(numbers, start, count) {
  let best = 0;
  for (let at = 1; at < count; at++) if (numbers[start + at] > numbers[start + best]) best = at;
  return best;
}
