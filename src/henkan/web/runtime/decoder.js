/**
 * The decoder in training: from the encoder's states to the loss of the true symbols. decoder_step.js predicts symbols.
 *
 * A Peeky decoder receives the encoder's last hidden state h at every step, as an input of the first LSTM and of the
 * output layer. h is the same at every step: h Wc and h Wyc are computed once per sequence and added at each step.
 */

import { attend } from "./attention.js";
import { addTableGradient, copyingLoss, inputRows, inputTable } from "./copying.js";
import { addTo, outputLoss, weight } from "./layers.js";
import { lstmLayer } from "./lstm.js";

/** @import { AttendBackward, AttentionMemory } from "./attention.js" */
/** @import { Pass, Traced } from "./encoder.js" */
/** @import { OutputGradients } from "./layers.js" */
/** @import { LayerBackward } from "./lstm.js" */
/** @import { Backend, Targets, Weights } from "./types.js" */

/**
 * @typedef {object} DecoderInputs  what the decoder receives from the encoder
 * @property {Float32Array[]} first  (N, H) initial hidden state of each layer
 * @property {Float32Array | null} context  (N, H), what a Peeky decoder receives at every step, or null
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
 * @returns {{decoded: Decoded, backward: (gradients: Weights) => DecoderInputGradients}}  backward adds the gradients
 *   of the weights to its argument
 */
export function teacherForcing(weights, inputs, targets, pass) {
  const { backend } = pass;
  const { top, lstms, backward: layersBackward } = runLayers(weights, inputs, targets, pass);
  const scores = inputs.context && contextScores(weights, inputs.context, backend);
  const attended = inputs.memory && attend(weights, top, inputs.memory, backend);
  const output = lossOf(
    weights,
    attended?.a ?? top,
    attended && pointerOf(attended, inputs.memory),
    targets,
    scores,
    backend,
  );

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
export function pointerOf({ alignment }, memory) {
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
export function checked(pointer) {
  if (!pointer) throw new TypeError("a model that copies needs the copy ids of its sources");
  return pointer;
}

/**
 * Wy (H, V): the weights of the output layer, or the transposed embeddings (V, H) if they are tied.
 *
 * @param {Weights} weights
 * @param {Backend} backend
 */
export function outputWeights(weights, backend) {
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
export function contextScores(weights, context, backend) {
  const Wyc = weight(weights, "decoder.Wyc");
  const V = weight(weights, "decoder.by").length;
  const H = Wyc.length / V;
  const scores = backend.zeros((context.length / H) * V);
  backend.addAB(scores, context, Wyc, context.length / H, H, V);
  return scores;
}
