/**
 * The loss of the transducer, and its gradients. All actions of a target are known, and with them all positions of the
 * pointer, so each layer runs over all steps at once.
 */

import { encode, lengthsOf } from "./encoder.js";
import { addRowsAt, addTo, affine, outputLoss, weight } from "./layers.js";
import { lstm, lstmLayer } from "./lstm.js";
import { readStates, readTags, rowsUnderPointers, sumsOfRows } from "./pointer_inputs.js";

/** @import { ActionTable } from "./action_table.js" */
/** @import { Pass } from "./encoder.js" */
/** @import { LayerBackward } from "./lstm.js" */
/** @import { Backend, Batch, ModelSettings, Weights } from "./types.js" */

/**
 * @typedef {object} PointerLoss
 * @property {number} loss  mean cross-entropy over the valid target steps, in nats per symbol
 * @property {(gradients: Weights) => void} backward  adds the gradients of all weights; may be called once
 *
 * @typedef {object} PointerModel  what the loss needs of a transducer
 * @property {ModelSettings & {target_reverse: boolean}} settings
 * @property {ActionTable} table
 */

/**
 * The loss of a batch, with teacher forcing.
 *
 * @param {Weights} weights
 * @param {PointerModel} model
 * @param {Batch} batch
 * @param {Pass} pass
 * @returns {PointerLoss}
 */
export function pointerLoss(weights, model, batch, pass) {
  const { sources, targets } = batch;
  const { backend } = pass;
  const { encoded, backward: encoderBackward } = encode(weights, model.settings, sources, pass);
  const { first, rows } = pointers(model, batch);
  const inputs = gateInputs(weights, encoded.states ?? new Float32Array(), { actions: targets.inputs, rows }, backend);
  const tags = readTags(weights, sources, first, backend);
  const read = { table: inputs.sums, context: tags?.inputs ?? null };
  const layers = runLayers(weights, read, batch, model.settings, backend);
  const layer = { W: weight(weights, "decoder.Wy"), b: weight(weights, "decoder.by") };
  const output = outputLoss(layers.top, layer, targets, null, backend);
  return {
    loss: output.loss,
    backward(gradients) {
      const { dx, dW, db } = output.backward();
      addTo(weight(gradients, "decoder.Wy"), dW);
      addTo(weight(gradients, "decoder.by"), db);
      const d = layers.backward(dx, gradients);
      const dlast = encoded.last.map((h) => backend.zeros(h.length));
      encoderBackward(inputs.backward(d.dtable, gradients), dlast, gradients);
      if (!tags || !d.dcontext) return;
      addTagGradients(weights, gradients, { sums: tags.sums, d: d.dcontext, first, batch }, backend);
    },
  };
}

/**
 * The first position of the pointer (N), and the row of the states (T, N) under the pointer at each step. The actions
 * of a target move the pointer from the first symbol of the text to its end, so they tell where the text starts.
 *
 * @param {PointerModel} model
 * @param {Batch} batch
 */
function pointers({ settings, table }, { sources, targets: { inputs } }) {
  const N = sources.count;
  const moved = new Int32Array(inputs.length);
  inputs.forEach((action, at) => (moved[at] = (at < N ? 0 : moved[at - N]) + Number(table.moves(action))));
  const last = lengthsOf(sources);
  const first = last.map((length, n) => length - (moved[moved.length - N + n] ?? 0));
  const steps = sources.active.length;
  const under = rowsUnderPointers({ first, last, steps, reverse: settings.target_reverse });
  const rows = moved.map((moves, at) => under[Math.min(first[at % N] + moves, steps) * N + (at % N)]);
  return { first, rows };
}

/**
 * Contributions of the previous actions and of the states under the pointer to the gates of the first layer.
 *
 * @param {Weights} weights
 * @param {Float32Array} states  (S N, M)
 * @param {{actions: Int32Array, rows: Int32Array}} at  (T, N) the previous action, and the row of the states
 * @param {Backend} backend
 * @returns {{sums: Float32Array, backward: (dsums: Float32Array, gradients: Weights) => Float32Array}}  (T N, 4H);
 *   backward returns dstates and adds the gradients of the weights
 */
function gateInputs(weights, states, { actions, rows }, backend) {
  const [b, Wp] = [weight(weights, "decoder.lstm1.b"), weight(weights, "decoder.Wp")];
  const Wx = weight(weights, "decoder.lstm1.Wx");
  const { y: table, backward: tableBackward } = affine(weight(weights, "decoder.E"), Wx, b, backend);
  const { read, inputs } = readStates(weights, states, backend);
  const [width, M] = [b.length, Wp.length / b.length];
  return {
    sums: sumsOfRows({ table, rows: actions }, { table: inputs, rows }, width, backend),
    backward(dsums, gradients) {
      const [dtable, dinputs] = [backend.zeros(table.length), backend.zeros(inputs.length)];
      addRowsAt(dtable, actions, dsums, width);
      addRowsAt(dinputs, rows, dsums, width);
      const [dWx, db] = [weight(gradients, "decoder.lstm1.Wx"), weight(gradients, "decoder.lstm1.b")];
      addTo(weight(gradients, "decoder.E"), tableBackward(dtable, dWx, db));
      const count = read.length / M;
      const dread = backend.zeros(read.length);
      backend.addABT(dread, dinputs, Wp, count, width, M);
      backend.addATB(weight(gradients, "decoder.Wp"), read, dinputs, M, count, width);
      addTo(weight(gradients, "decoder.end"), dread.subarray(states.length));
      return dread.subarray(0, states.length);
    },
  };
}

/**
 * Run the LSTM layers over all steps, from states of zero.
 *
 * @param {Weights} weights
 * @param {{table: Float32Array, context: Float32Array | null}} inputs  (T N, 4H) of the gates of the first layer, and
 *   (N, 4H), added at every step
 * @param {Batch} batch
 * @param {ModelSettings} settings
 * @param {Backend} backend
 * @returns {{top: Float32Array, backward: (dx: Float32Array, gradients: Weights) =>
 *   {dtable: Float32Array, dcontext: Float32Array | null}}}  the outputs of the last layer (T, N, H)
 */
function runLayers(weights, { table, context }, { sources: { count }, targets }, settings, backend) {
  const { inputs, active } = targets;
  const rows = Int32Array.from({ length: inputs.length }, (_, row) => row);
  const run = lstm({ table, rows, context, count, active, state: null }, weight(weights, "decoder.lstm1.Wh"), backend);
  const size = count * settings.hidden_size;
  let x = run.states.hs.subarray(size);
  /** @type {LayerBackward[]} */
  const above = [];
  for (let number = 2; number <= settings.layers; number++) {
    const given = { x, ids: null, count, active, state: null };
    const { states, backward } = lstmLayer(weights, `decoder.lstm${number}`, given, backend);
    above.push(backward);
    x = states.hs.subarray(size);
  }
  return {
    top: x,
    backward(dx, gradients) {
      const below = above.reduceRight((d, layerBackward) => layerBackward(d, null, gradients).dx, dx);
      return run.backward(below, null, weight(gradients, "decoder.lstm1.Wh"));
    },
  };
}

/**
 * Add the gradients of the contribution of the feature tags.
 *
 * @param {Weights} weights
 * @param {Weights} gradients
 * @param {{sums: Float32Array, d: Float32Array, first: Int32Array, batch: Batch}} given  `d`: the gradient (N, 4H)
 * @param {Backend} backend
 */
function addTagGradients(weights, gradients, { sums, d, first, batch: { sources } }, backend) {
  const N = sources.count;
  const [D, width] = [sums.length / N, d.length / N];
  const [Wt, dE] = [weight(weights, "decoder.Wt"), weight(gradients, "encoder.E")];
  backend.addATB(weight(gradients, "decoder.Wt"), sums, d, D, N, width);
  const dsums = backend.zeros(sums.length);
  backend.addABT(dsums, d, Wt, N, width, D);
  first.forEach((count, n) => {
    for (let s = 0; s < count; s++) {
      for (let k = 0; k < D; k++) dE[sources.ids[s * N + n] * D + k] += dsums[n * D + k];
    }
  });
}
