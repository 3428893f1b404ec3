/** Greedy predictions of many sources at once, for models with an end symbol. */

import { padSources } from "./batches.js";
import { greedy } from "./search.js";

/** @import { EncoderDecoder } from "./encoder_decoder.js" */
/** @import { Stepper } from "./search.js" */
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
  const padded = padSources(sources);
  const encoded = { ...model.encode(weights, padded, backend), count: padded.count, steps: padded.active.length };
  /** @type {Stepper} */
  const stepper = { step: (memory, state, symbols) => model.step(weights, memory, state, symbols, backend) };
  const codec = { start: END, end: END, fixedLength: false, forbidden: [], maxSteps: () => longest };
  return greedy(stepper, encoded, codec).map(({ symbols }) => symbols.filter((symbol) => symbol !== END));
}
