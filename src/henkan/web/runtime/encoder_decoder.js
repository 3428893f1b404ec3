/**
 * The architecture "encoder-decoder": encoder, bridge, attention and decoder, for all settings.
 *
 * The bridge computes what the decoder receives from the encoder. The initial hidden state of each decoder layer is the
 * encoder's last one at the same level, its initial cell state is zero, and a Peeky decoder also receives the hidden
 * state of the top layer at every step. A bidirectional encoder has two last states per layer, which a learned layer
 * combines: h = tanh([h_forward, h_backward] W + b).
 */

import { projectMemory } from "./attention.js";
import { teacherForcing } from "./decoder.js";
import { DecoderState, decoderStep, prepareDecoder } from "./decoder_step.js";
import { encode } from "./encoder.js";
import { addTo, affine, weight } from "./layers.js";

/** @import { DecoderCache } from "./decoder_step.js" */
/** @import { Pass, Traced } from "./encoder.js" */
/** @import { Backend, Batch, ModelSettings, Sizes, Sources, StepOutput, Weights } from "./types.js" */

/**
 * @typedef {object} Loss
 * @property {number} loss  mean cross-entropy over the valid target steps, in nats per symbol
 * @property {Float32Array} logProbabilities  (T, N, V) of the output layer
 * @property {Float32Array | null} alignment  (N, T, S) attention weights, or null without attention
 * @property {Traced[]} lstms  the states and gates of all LSTMs
 * @property {(gradients: Weights) => void} backward  adds the gradients of all weights; may be called once
 */

/** The encoder-decoder, without its weights. */
export class EncoderDecoder {
  /** @param {ModelSettings} settings */
  constructor(settings) {
    this.settings = settings;
  }

  /**
   * The loss of a batch, with teacher forcing.
   *
   * @param {Weights} weights
   * @param {Batch} batch
   * @param {Pass} pass
   * @returns {Loss}
   */
  loss(weights, { sources, targets }, pass) {
    const { encoded, backward: encoderBackward } = encode(weights, this.settings, sources, pass);
    const { first, context, backward: bridgeBackward } = bridge(weights, this.settings, encoded.last, pass.backend);
    const projected = encoded.states && projectMemory(weights, encoded.states, sources, pass.backend);
    const inputs = { first, context, memory: projected?.memory ?? null };
    const { decoded, backward: decoderBackward } = teacherForcing(weights, inputs, targets, pass);
    const { loss, logProbabilities, alignment } = decoded;
    return {
      loss,
      logProbabilities,
      alignment,
      lstms: [...encoded.lstms, ...decoded.lstms],
      backward(gradients) {
        const d = decoderBackward(gradients);
        const dlast = bridgeBackward(d.dfirst, d.dcontext, gradients);
        const dstates = projected && d.dkeys && d.dvalues && projected.backward(d.dkeys, d.dvalues, gradients);
        encoderBackward(dstates, dlast, gradients);
      },
    };
  }

  /**
   * Encode sources for decoding.
   *
   * @param {Weights} weights
   * @param {Sources} sources
   * @param {Backend} backend
   * @returns {{memory: DecoderCache, state: DecoderState}}  the memory stays the same during decoding
   */
  encode(weights, sources, backend) {
    const { encoded } = encode(weights, this.settings, sources, { backend, keep: false });
    const { first, context } = bridge(weights, this.settings, encoded.last, backend);
    const projected = encoded.states && projectMemory(weights, encoded.states, sources, backend);
    const memory = prepareDecoder(weights, { first, context, memory: projected?.memory ?? null }, backend);
    return {
      memory,
      state: new DecoderState(
        sources.count,
        first,
        first.map((h) => backend.zeros(h.length)),
      ),
    };
  }

  /**
   * Run one decoding step.
   *
   * @param {Weights} weights
   * @param {DecoderCache} memory
   * @param {DecoderState} state  from `encode` or from the previous step
   * @param {Int32Array} symbols  (N) the symbols predicted last; at the first step, the start symbol
   * @param {Backend} backend
   * @returns {StepOutput}
   */
  step(weights, memory, state, symbols, backend) {
    return decoderStep(weights, memory, state, symbols, backend);
  }
}

/**
 * Compute the decoder's initial states and context from the encoder's last states.
 *
 * @param {Weights} weights  for two directions, bridge.W1 (2H, H) and bridge.b1 (H) of the first layer, and so on
 * @param {ModelSettings} settings
 * @param {Float32Array[]} last  (N, M) of each layer
 * @param {Backend} backend
 * @returns {{first: Float32Array[], context: Float32Array | null, backward: (dfirst: Float32Array[],
 *   dcontext: Float32Array | null, gradients: Weights) => Float32Array[]}}  backward returns dlast and adds the
 *   gradients of the weights
 */
function bridge(weights, settings, last, backend) {
  const maps = last.map((h, index) => combine(weights, settings, index + 1, h, backend));
  const first = maps.map(({ h }) => h);
  return {
    first,
    context: settings.peeky ? first[first.length - 1] : null,
    backward(dfirst, dcontext, gradients) {
      if (dcontext) addTo(dfirst[dfirst.length - 1], dcontext);
      return maps.map((map, index) => map.backward(dfirst[index], gradients));
    },
  };
}

/**
 * Combine the last states of two directions; the state of one direction stays as it is.
 *
 * @param {Weights} weights
 * @param {ModelSettings} settings
 * @param {number} number  of the layer, from 1
 * @param {Float32Array} last
 * @param {Backend} backend
 * @returns {{h: Float32Array, backward: (dh: Float32Array, gradients: Weights) => Float32Array}}
 */
function combine(weights, { bidirectional }, number, last, backend) {
  if (!bidirectional) return { h: last, backward: (dh) => dh };
  const [W, b] = [`bridge.W${number}`, `bridge.b${number}`];
  const { y: h, backward } = affine(last, weight(weights, W), weight(weights, b), backend);
  h.forEach((sum, at) => (h[at] = Math.tanh(sum)));
  return {
    h,
    backward(dh, gradients) {
      const dsum = backend.empty(dh.length);
      dsum.forEach((_, at) => (dsum[at] = dh[at] * (1 - h[at] * h[at])));
      return backward(dsum, weight(gradients, W), weight(gradients, b));
    },
  };
}
