/**
 * The encoder: symbols to states. One or several stacked LSTM layers, each reading in one direction or in both.
 *
 * `lstm1` is the LSTM of the first layer, and `back1` the one that reads it from the last symbol to the first.
 */

import { addTo, weight } from "./layers.js";
import { lstmLayer } from "./lstm.js";

/** @import { LSTMStates, LayerBackward } from "./lstm.js" */
/** @import { Backend, ModelSettings, Sources, Weights } from "./types.js" */

/**
 * @typedef {object} Traced  an LSTM that has run
 * @property {string} name  such as "encoder.lstm1"
 * @property {Int32Array | null} order  (T, N) the step that it reads at each of its steps; null: in order of time
 * @property {LSTMStates} states
 *
 * @typedef {object} Encoded  M is H, or 2H for two directions
 * @property {Float32Array | null} states  (S, N, M) hidden states of the top layer; null unless `keepStates`
 * @property {Float32Array[]} last  (N, M) last hidden state of each layer
 * @property {Traced[]} lstms
 *
 * @typedef {(dstates: Float32Array | null, dlast: Float32Array[], gradients: Weights) => void} EncoderBackward
 *
 * @typedef {object} Pass  how a part of the model is run
 * @property {Backend} backend
 * @property {boolean} [keep]  whether to keep what only backward needs; true if not given
 * @property {boolean} [trace]  whether backward keeps the gradients of all hidden states
 */

/**
 * Run the encoder.
 *
 * @param {Weights} weights
 * @param {ModelSettings} settings
 * @param {Sources} sources
 * @param {Pass} pass
 * @returns {{encoded: Encoded, backward: EncoderBackward}}  backward adds the gradients of the weights
 */
export function encode(weights, settings, sources, pass) {
  const { backend } = pass;
  const [N, H, E] = [sources.count, settings.hidden_size, weight(weights, "encoder.E")];
  const order = settings.bidirectional ? reverseOrder(sources) : null;
  /** @type {Encoded} */
  const encoded = { states: null, last: [], lstms: [] };
  /** @type {LayerBackward[][]} */
  const layers = [];
  let x = E;
  for (let number = 1; number <= settings.layers; number++) {
    const ids = number === 1 ? sources.ids : null;
    const runs = directions(settings, number).map((name, index) => {
      const read = index ? order : null;
      const inputs = {
        x,
        ids,
        order: read,
        count: N,
        active: sources.active,
        state: null,
        keep: pass.keep,
        trace: pass.trace,
      };
      const { states, backward } = lstmLayer(weights, name, inputs, backend);
      encoded.lstms.push({ name, order: read, states });
      return { hs: states.hs, backward, order: read };
    });
    x = joined(
      runs.map((run) => inTime(run.hs.subarray(N * H), run.order, N, H, backend)),
      H,
      backend,
    );
    encoded.last.push(
      joined(
        runs.map((run) => run.hs.subarray(run.hs.length - N * H)),
        H,
        backend,
      ),
    );
    layers.push(runs.map((run) => run.backward));
  }
  if (settings.attention) encoded.states = x;
  return {
    encoded,
    backward: (dstates, dlast, gradients) =>
      backwardThroughLayers(layers, order, { dstates, dlast, gradients }, N, H, backend),
  };
}

/**
 * @param {LayerBackward[][]} layers
 * @param {Int32Array | null} order
 * @param {{dstates: Float32Array | null, dlast: Float32Array[], gradients: Weights}} given
 * @param {number} N
 * @param {number} H
 * @param {Backend} backend
 */
function backwardThroughLayers(layers, order, { dstates, dlast, gradients }, N, H, backend) {
  let dx = dstates;
  for (let number = layers.length - 1; number >= 0; number--) {
    const doutputs = dx;
    const count = layers[number].length;
    dx = null;
    layers[number].forEach((layerBackward, index) => {
      const dhs = doutputs && inTime(part(doutputs, index, count, H, backend), index ? order : null, N, H, backend);
      const below = layerBackward(dhs, part(dlast[number], index, count, H, backend), gradients).dx;
      if (dx) addTo(dx, below);
      else dx = below;
    });
  }
  if (dx) addTo(weight(gradients, "encoder.E"), dx);
}

/**
 * Names of the LSTMs of a layer.
 *
 * @param {ModelSettings} settings
 * @param {number} number  from 1
 */
function directions({ bidirectional }, number) {
  return [`encoder.lstm${number}`, ...(bidirectional ? [`encoder.back${number}`] : [])];
}

/**
 * The number of symbols of each source.
 *
 * @param {Sources} sources
 */
export function lengthsOf({ active, count }) {
  return Int32Array.from({ length: count }, (_, n) => active.filter((each) => each > n).length);
}

/**
 * (S, N): the step of the t-th symbol from the end of each source; padding keeps its position.
 *
 * @param {Sources} sources
 */
function reverseOrder(sources) {
  const [N, lengths] = [sources.count, lengthsOf(sources)];
  return Int32Array.from({ length: sources.active.length * N }, (_, at) => {
    const [t, length] = [Math.floor(at / N), lengths[at % N]];
    return t < length ? length - 1 - t : t;
  });
}

/**
 * The states (T, N, H) in order of time, or their gradients in the order of the LSTM: the order is its own inverse.
 *
 * @param {Float32Array} hs
 * @param {Int32Array | null} order
 * @param {number} N
 * @param {number} H
 * @param {Backend} backend
 */
function inTime(hs, order, N, H, backend) {
  if (!order) return hs;
  const ordered = backend.empty(hs.length);
  order.forEach((step, at) => {
    const from = (step * N + (at % N)) * H;
    ordered.set(hs.subarray(from, from + H), at * H);
  });
  return ordered;
}

/**
 * Arrays (..., H), joined along the last axis.
 *
 * @param {Float32Array[]} parts
 * @param {number} H
 * @param {Backend} backend
 */
function joined(parts, H, backend) {
  const [first, second] = parts;
  if (!second) return first;
  const both = backend.empty(2 * first.length);
  for (let at = 0; at < first.length; at += H) {
    both.set(first.subarray(at, at + H), 2 * at);
    both.set(second.subarray(at, at + H), 2 * at + H);
  }
  return both;
}

/**
 * One of the arrays that `joined` joins.
 *
 * @param {Float32Array} both
 * @param {number} index
 * @param {number} count  of the arrays
 * @param {number} H
 * @param {Backend} backend
 */
function part(both, index, count, H, backend) {
  if (count === 1) return both;
  const taken = backend.empty(both.length / 2);
  for (let at = 0; at < taken.length; at += H)
    taken.set(both.subarray(2 * at + index * H, 2 * at + (index + 1) * H), at);
  return taken;
}
