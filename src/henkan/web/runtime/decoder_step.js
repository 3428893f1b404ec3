/** The decoder in predictions: from the encoder's states to a distribution over the next symbol, step by step. */

import { attend, takeMemory, takeRows } from "./attention.js";
import { copyingStep, inputRows, inputTable } from "./copying.js";
import { checked, contextScores, outputWeights, pointerOf } from "./decoder.js";
import { affine, logSoftmax, outputLogits, weight } from "./layers.js";
import { lstm } from "./lstm.js";

/** @import { AttentionMemory } from "./attention.js" */
/** @import { DecoderInputs } from "./decoder.js" */
/** @import { Backend, Weights } from "./types.js" */

/** What is the same at every decoding step of N sequences. */
export class DecoderCache {
  /**
   * @param {number} count  N
   * @param {{table: Float32Array, Wy: Float32Array}} shared  E Wx + b of the first layer (V, 4H), with copying one row
   *   more; and the weights of the output layer (H, V)
   * @param {Float32Array | null} gates  (N, 4H) contribution of the context to the gates, or null
   * @param {Float32Array | null} scores  (N, V) contribution of the context to the logits, or null
   * @param {AttentionMemory | null} memory
   */
  constructor(count, shared, gates, scores, memory) {
    this.count = count;
    this.shared = shared;
    this.gates = gates;
    this.scores = scores;
    this.memory = memory;
  }

  /**
   * Select sequences.
   *
   * @param {ArrayLike<number>} rows  indices, which may repeat
   */
  take(rows) {
    const taken = (/** @type {Float32Array | null} */ array) => array && takeRows(array, this.count, rows);
    const memory = this.memory && takeMemory(this.memory, rows);
    return new DecoderCache(rows.length, this.shared, taken(this.gates), taken(this.scores), memory);
  }
}

/** The hidden and cell states of the layers, for N sequences. */
export class DecoderState {
  /**
   * @param {number} count  N
   * @param {Float32Array[]} h  (N, H) of each layer
   * @param {Float32Array[]} c  (N, H) of each layer
   */
  constructor(count, h, c) {
    this.count = count;
    this.h = h;
    this.c = c;
  }

  /**
   * Select sequences.
   *
   * @param {ArrayLike<number>} rows  indices, which may repeat
   */
  take(rows) {
    const taken = (/** @type {Float32Array} */ array) => takeRows(array, this.count, rows);
    return new DecoderState(rows.length, this.h.map(taken), this.c.map(taken));
  }
}

/**
 * Compute what is the same at every decoding step.
 *
 * @param {Weights} weights
 * @param {DecoderInputs} inputs
 * @param {Backend} backend
 */
export function prepareDecoder(weights, { first, context, memory }, backend) {
  const [Wx, b] = [weight(weights, "decoder.lstm1.Wx"), weight(weights, "decoder.lstm1.b")];
  const H = b.length / 4;
  const count = first[0].length / H;
  const shared = {
    table: affine(inputTable(weights, backend), Wx, b, backend).y,
    Wy: outputWeights(weights, backend),
  };
  if (!context) return new DecoderCache(count, shared, null, null, memory);
  const gates = backend.zeros(count * 4 * H);
  backend.addAB(gates, context, weight(weights, "decoder.Wc"), count, H, 4 * H);
  return new DecoderCache(count, shared, gates, contextScores(weights, context, backend), memory);
}

/**
 * Run one step of the layers.
 *
 * @param {Weights} weights
 * @param {{table: Float32Array, rows: Int32Array, context: Float32Array | null}} inputs  of the gates of the first
 *   layer: a table (P, 4H) and the row of each sequence (N), and what is added to them (N, 4H) or null
 * @param {{h: Float32Array[], c: Float32Array[]}} state  (N, H) of each layer
 * @param {Backend} backend
 * @returns {{h: Float32Array[], c: Float32Array[]}}
 */
export function stepLayers(weights, inputs, state, backend) {
  const N = inputs.rows.length;
  const [h, c] = [/** @type {Float32Array[]} */ ([]), /** @type {Float32Array[]} */ ([])];
  state.h.forEach((before, number) => {
    const layer = (/** @type {string} */ name) => weight(weights, `decoder.lstm${number + 1}.${name}`);
    if (number) {
      const table = affine(h[number - 1], layer("Wx"), layer("b"), backend).y;
      inputs = { table, rows: Int32Array.from({ length: N }, (_, n) => n), context: null };
    }
    const run = { count: N, active: Int32Array.of(N), state: { h: before, c: state.c[number] }, keep: false };
    const { states } = lstm({ ...inputs, ...run }, layer("Wh"), backend);
    h.push(states.hs.subarray(before.length));
    c.push(states.cs);
  });
  return { h, c };
}

/**
 * Run one decoding step.
 *
 * @param {Weights} weights
 * @param {DecoderCache} cache  the result of `prepareDecoder`
 * @param {DecoderState} state
 * @param {Int32Array} symbols  (N) the symbols predicted last
 * @param {Backend} backend
 * @returns {import("./types.js").StepOutput}
 */
export function decoderStep(weights, cache, state, symbols, backend) {
  const N = symbols.length;
  const inputs = { table: cache.shared.table, rows: inputRows(weights, symbols), context: cache.gates };
  const { h, c } = stepLayers(weights, inputs, state, backend);
  const top = h[h.length - 1];
  const attended = cache.memory && attend(weights, top, cache.memory, backend);
  const out = attended?.a ?? top;
  const by = weight(weights, "decoder.by");
  let logs = logSoftmax(outputLogits(out, { W: cache.shared.Wy, b: by }, cache.scores, backend), by.length);
  if ("decoder.copied" in weights) {
    logs = copyingStep(weights, out, logs, checked(attended && pointerOf(attended, cache.memory)), backend);
  }
  const next = new DecoderState(N, h, c);
  return { logProbabilities: logs, symbols: logs.length / N, state: next, attention: attended?.alignment ?? null };
}
