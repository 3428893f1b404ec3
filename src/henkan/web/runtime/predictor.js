/** A network with its weights, for predictions. */

import { EncoderDecoder } from "./encoder_decoder.js";
import { saliency } from "./saliency.js";
import { Transducer } from "./transducer.js";

/** @import { Variant } from "./model_file.js" */
/** @import { Encoded } from "./search.js" */
/** @import { Backend, Batch, Sources, StepOutput, Weights } from "./types.js" */

/**
 * @typedef {object} Capabilities  what a model can do
 * @property {boolean} reverse  whether it reads sources backwards
 * @property {boolean} attention  whether its decoding steps return attention weights
 * @property {boolean} pointer  whether a step edits one source symbol
 * @property {boolean} copying  whether it copies symbols that are not in the target vocabulary
 * @property {boolean} copyIds  whether it needs the copy ids of its sources
 *
 * @typedef {object} Model  what predicts: a network, or several as an ensemble
 * @property {Capabilities} capabilities
 * @property {(sources: Sources) => Encoded} encode
 * @property {(memory: any, state: any, symbols: Int32Array) => StepOutput} step
 * @property {(batch: Batch) => Float32Array} saliency  (T, S), see saliency.js
 * @property {() => void} reset  gives back the memory of all results so far
 */

/** See `Model`. */
export class Predictor {
  /**
   * @param {Variant} variant
   * @param {Weights} weights  of one of its members
   * @param {Backend} backend
   */
  constructor({ settings, source, target }, weights, backend) {
    const pointer = settings.architecture === "transducer";
    this.network = pointer
      ? new Transducer(settings, { symbols: target.size, isTag: source.tagMask })
      : new EncoderDecoder(settings);
    this.weights = weights;
    this.backend = backend;
    const { reverse, attention, copy } = settings;
    /** @type {Capabilities} */
    this.capabilities = pointer
      ? { reverse: false, attention: false, pointer, copying: true, copyIds: false }
      : { reverse, attention, pointer, copying: copy, copyIds: copy };
  }

  /**
   * @param {Sources} sources
   * @returns {Encoded}
   */
  encode(sources) {
    const { memory, state } = this.network.encode(this.weights, sources, this.backend);
    return { memory, state, count: sources.count, steps: sources.active.length };
  }

  /**
   * @param {any} memory
   * @param {any} state
   * @param {Int32Array} symbols
   */
  step(memory, state, symbols) {
    return this.network.step(this.weights, memory, state, symbols, this.backend);
  }

  /** @param {Batch} batch */
  saliency(batch) {
    return saliency(this.network, this.weights, batch, this.backend);
  }

  reset() {
    this.backend.reset();
  }
}
