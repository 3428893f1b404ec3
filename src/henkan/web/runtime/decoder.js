/**
 * The decoder: from the encoder's states to a distribution over the next symbol, step by step.
 *
 * A Peeky decoder receives the encoder's last hidden state h at every step, as an input of the first LSTM and of the
 * output layer. h is the same at every step: h Wc and h Wyc are computed once per sequence and added at each step.
 */

import { attend, takeColumns, takeMemory, takeRows } from "./attention.js";
import { addTableGradient, copyingLoss, copyingStep, inputRows, inputTable } from "./copying.js";
import { addTo, affine, logSoftmax, outputLogits, outputLoss, weight } from "./layers.js";
import { lstm, lstmLayer } from "./lstm.js";

/** @import { AttendBackward, AttentionMemory } from "./attention.js" */
/** @import { Pass, Traced } from "./encoder.js" */
/** @import { OutputGradients } from "./layers.js" */
/** @import { LayerBackward } from "./lstm.js" */
/** @import { Backend, Targets, Weights } from "./types.js" */

/**
 * @typedef {object} DecoderInputs  what the decoder receives from the encoder
 * @property {Float32Array[]} first  (N, H) initial hidden state of each layer
 * @property {Float32Array | null} context  (N, H), the hidden state that a Peeky decoder receives at every step, or null
 * @property {AttentionMemory | null} memory
 *
 * @typedef {object} DecoderInputGradients  null where the input is
 * @property {Float32Array[]} dfirst
 * @property {Float32Array | null} dcontext
 * @property {Float32Array | null} dkeys
 * @property {Float32Array | null} dvalues
 *
 * @typedef {object} Decoded
 * @property {number} loss  in nats per symbol
 * @property {Float32Array} logProbabilities  (T, N, V) of the output layer
 * @property {Float32Array | null} alignment  (N, T, S) attention weights, or null
 * @property {Traced[]} lstms
 */

/**
 * Compute the loss with teacher forcing: each symbol is predicted from the true symbols before it.
 *
 * @param {Weights} weights
 * @param {DecoderInputs} inputs
 * @param {Targets} targets
 * @param {Pass} pass
 * @returns {{decoded: Decoded, backward: (gradients: Weights) => DecoderInputGradients}}  backward adds the gradients of
 *   the weights to its argument
 */
export function teacherForcing(weights, inputs, targets, pass) {
  const { backend } = pass;
  const { top, lstms, backward: layersBackward } = runLayers(weights, inputs, targets, pass);
  const scores = inputs.context && contextScores(weights, inputs.context, backend);
  const attended = inputs.memory && attend(weights, top, inputs.memory, backend);
  const output = lossOf(weights, attended?.a ?? top, attended && pointerOf(attended, inputs.memory), targets, scores, backend);

  /** @param {Weights} gradients */
  function backward(gradients) {
    const { output: d, dscores } = output.backward(gradients);
    addOutputGradients(weights, gradients, d);
    const through = attended?.backward(d.dx, gradients, dscores);
    const { dfirst, dcontext } = layersBackward(through?.dhs ?? d.dx, gradients);
    if (inputs.context && dcontext && d.dscores) {
      const [N, V] = [targets.ids.length / targets.active.length, d.db.length];
      const H = inputs.context.length / N;
      backend.addATB(weight(gradients, "decoder.Wyc"), inputs.context, d.dscores, H, N, V);
      backend.addABT(dcontext, d.dscores, weight(weights, "decoder.Wyc"), N, V, H);
    }
    return { dfirst, dcontext, dkeys: through?.dkeys ?? null, dvalues: through?.dvalues ?? null };
  }
  const { loss, logProbabilities } = output;
  return { decoded: { loss, logProbabilities, alignment: attended?.alignment ?? null, lstms }, backward };
}

/**
 * Run the LSTM layers over the true symbols.
 *
 * @param {Weights} weights
 * @param {DecoderInputs} inputs
 * @param {Targets} targets
 * @param {Pass} pass
 * @returns {{top: Float32Array, lstms: Traced[], backward: (dx: Float32Array, gradients: Weights) =>
 *   {dfirst: Float32Array[], dcontext: Float32Array | null}}}  the outputs of the last layer (T, N, H)
 */
function runLayers(weights, { first, context }, { inputs, active }, { backend, keep, trace }) {
  /** @type {Traced[]} */
  const lstms = [];
  /** @type {LayerBackward[]} */
  const layers = [];
  let x = inputTable(weights, backend);
  first.forEach((h, number) => {
    const ids = number === 0 ? inputRows(weights, inputs) : null;
    const count = inputs.length / active.length;
    const given = { x, ids, count, active, state: { h, c: backend.zeros(h.length) }, keep, trace };
    const name = `decoder.lstm${number + 1}`;
    const own = { ...given, context: number === 0 ? context : null };
    const { states, backward } = lstmLayer(weights, name, own, backend, "decoder.Wc");
    lstms.push({ name, order: null, states });
    layers.push(backward);
    x = states.hs.subarray(h.length);
  });

  /**
   * @param {Float32Array} dx
   * @param {Weights} gradients
   */
  function backward(dx, gradients) {
    /** @type {Float32Array[]} */
    const dfirst = [];
    let dcontext = null;
    for (const layerBackward of layers.toReversed()) {
      const d = layerBackward(dx, null, gradients);
      [dx, dcontext] = [d.dx, d.dcontext];
      dfirst.unshift(d.dh0);
    }
    addTableGradient(gradients, dx);
    return { dfirst, dcontext };
  }
  return { top: x, lstms, backward };
}

/**
 * @param {{alignment: Float32Array}} attended
 * @param {AttentionMemory | null} memory
 */
function pointerOf({ alignment }, memory) {
  return memory?.copyIds ? { alignment, copyIds: memory.copyIds } : null;
}

/**
 * The loss of the output layer, with or without copying.
 *
 * @param {Weights} weights
 * @param {Float32Array} out  (T, N, H) the inputs of the output layer
 * @param {{alignment: Float32Array, copyIds: Int32Array} | null} pointer
 * @param {Targets} targets
 * @param {Float32Array | null} scores
 * @param {Backend} backend
 * @returns {{loss: number, logProbabilities: Float32Array, backward: (gradients: Weights) =>
 *   {output: OutputGradients, dscores: Float32Array | null}}}
 */
function lossOf(weights, out, pointer, targets, scores, backend) {
  const layer = { W: outputWeights(weights, backend), b: weight(weights, "decoder.by") };
  if ("decoder.copied" in weights) {
    return copyingLoss(weights, out, layer, checked(pointer), targets, scores, backend);
  }
  const found = outputLoss(out, layer, targets, scores, backend);
  return { ...found, backward: () => ({ output: found.backward(), dscores: null }) };
}

/**
 * @template T
 * @param {T | null} pointer
 */
function checked(pointer) {
  if (!pointer) throw new TypeError("a model that copies needs the copy ids of its sources");
  return pointer;
}

/**
 * Wy (H, V): the weights of the output layer, or the transposed embeddings (V, H) if they are tied.
 *
 * @param {Weights} weights
 * @param {Backend} backend
 */
function outputWeights(weights, backend) {
  const Wy = weights["decoder.Wy"];
  if (Wy) return Wy;
  const E = weight(weights, "decoder.E");
  const V = weight(weights, "decoder.by").length;
  return transposed(E, V, E.length / V, backend.empty(E.length));
}

/**
 * @param {Float32Array} matrix  (rows, columns)
 * @param {number} rows
 * @param {number} columns
 * @param {Float32Array} to
 */
function transposed(matrix, rows, columns, to) {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) to[j * rows + i] = matrix[i * columns + j];
  }
  return to;
}

/**
 * @param {Weights} weights
 * @param {Weights} gradients
 * @param {OutputGradients} d
 */
function addOutputGradients(weights, gradients, { dW, db }) {
  addTo(weight(gradients, "decoder.by"), db);
  const V = db.length;
  if ("decoder.Wy" in weights) addTo(weight(gradients, "decoder.Wy"), dW);
  else addTo(weight(gradients, "decoder.E"), transposed(dW, dW.length / V, V, new Float32Array(dW.length)));
}

/**
 * The contribution of the context (N, H) to the logits (N, V).
 *
 * @param {Weights} weights
 * @param {Float32Array} context
 * @param {Backend} backend
 */
function contextScores(weights, context, backend) {
  const Wyc = weight(weights, "decoder.Wyc");
  const V = weight(weights, "decoder.by").length;
  const H = Wyc.length / V;
  const scores = backend.zeros((context.length / H) * V);
  backend.addAB(scores, context, Wyc, context.length / H, H, V);
  return scores;
}

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
    const taken = (/** @type {Float32Array} */ array) => takeColumns(array, this.count, rows, 1);
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
  const active = Int32Array.of(N);
  const [h, c] = [/** @type {Float32Array[]} */ ([]), /** @type {Float32Array[]} */ ([])];
  let inputs = { table: cache.shared.table, rows: inputRows(weights, symbols), context: cache.gates };
  state.h.forEach((before, number) => {
    const layer = (/** @type {string} */ name) => weight(weights, `decoder.lstm${number + 1}.${name}`);
    if (number) {
      const table = affine(h[number - 1], layer("Wx"), layer("b"), backend).y;
      inputs = { table, rows: Int32Array.from({ length: N }, (_, n) => n), context: null };
    }
    const given = { ...inputs, count: N, active, state: { h: before, c: state.c[number] }, keep: false };
    const { states } = lstm(given, layer("Wh"), backend);
    h.push(states.hs.subarray(before.length));
    c.push(states.cs);
  });
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
