/** Trains an encoder-decoder on pairs of strings, update by update. */

import { plainBackend } from "./backend.js";
import { batchOfPairs, encodeText } from "./batches.js";
import { EncoderDecoder } from "./encoder_decoder.js";
import { predictSymbols } from "./greedy.js";
import { Adam, clipByGlobalNorm } from "./optimizer.js";
import { Random } from "./random.js";
import { oneCycle } from "./schedule.js";
import { wasmBackend } from "./wasm_backend.js";
import { initialize, parameters, weightSpecs } from "./weights.js";

/** @import { EncodedPair } from "./batches.js" */
/** @import { Pair } from "./tasks.js" */
/** @import { Backend, Batch, ModelSettings } from "./types.js" */

/**
 * @typedef {object} TrainingSettings  named as in config.json
 * @property {number} updates  number of updates of the run
 * @property {number} batch_size  number of pairs in a batch
 * @property {number} learning_rate  with the one-cycle schedule, its peak
 * @property {"one-cycle" | "constant"} schedule
 * @property {number} warmup  share of the updates in which the one-cycle schedule rises
 * @property {number} beta2  decay rate of Adam's running mean of squared gradients
 * @property {number} weight_decay
 * @property {number} clip_norm  largest norm of the gradient
 *
 * @typedef {object} TrainerOptions
 * @property {Partial<ModelSettings>} [model]
 * @property {Partial<TrainingSettings>} [training]
 * @property {{training: Pair[], validation: Pair[]}} pairs
 * @property {{source: string[], target: string[]}} [symbols]  by id, of which the first target symbol is "", the end;
 *   by default those of the pairs
 * @property {number} [seed]  of initial weights and order of pairs
 * @property {"auto" | "wasm" | "plain"} [products]  what computes: WebAssembly, plain JavaScript, or the first if it is
 *   available
 *
 * @typedef {object} Step  an update that has been made
 * @property {number} update  number of updates so far
 * @property {number} epoch  number of the pass over the training pairs, from 1
 * @property {number} loss  of the batch before the update, in nats per symbol
 * @property {number} learningRate
 *
 * @typedef {object} Snapshot  the state of a run, which structured cloning can copy
 * @property {Float32Array} weights
 * @property {Float32Array} m
 * @property {Float32Array} v
 * @property {number} update
 * @property {number} epoch
 * @property {Int32Array} order  the pairs of the epoch in order
 * @property {number} position  number of pairs of the epoch so far
 * @property {Uint32Array} random
 */

const LARGEST_MEMORY = 2048; // megabytes

/** @type {ModelSettings} */
export const MODEL_DEFAULTS = {
  reverse: true,
  peeky: true,
  attention: false,
  attention_kind: "general",
  copy: false,
  bidirectional: false,
  tied: false,
  layers: 1,
  embedding_size: 16,
  hidden_size: 128,
};

/** @type {TrainingSettings} */
export const TRAINING_DEFAULTS = {
  updates: 3000,
  batch_size: 128,
  learning_rate: 1e-2,
  schedule: "one-cycle",
  warmup: 0.2,
  beta2: 0.98,
  weight_decay: 0.05,
  clip_norm: 5,
};

/** A training run. The same options give the same numbers on the same machine. */
export class Trainer {
  /** @param {TrainerOptions} options */
  constructor({ model, training, pairs, symbols = symbolsOf(pairs.training), seed = 0, products = "auto" }) {
    this.settings = { ...MODEL_DEFAULTS, ...model };
    this.training = { ...TRAINING_DEFAULTS, ...training };
    this.pairs = pairs;
    this.symbols = symbols;
    this.ids = { source: idsOf(symbols.source), target: idsOf(symbols.target) };
    this.encoded = pairs.training.map((pair) => this.encode(pair));
    this.longest = Math.max(...this.encoded.map(({ target }) => target.length));
    this.model = new EncoderDecoder(this.settings);
    this.specs = weightSpecs(this.settings, { source: symbols.source.length, target: symbols.target.length });
    this.backend = createBackend(products, this.memory());
    const keep = (/** @type {number} */ size) => this.backend.keep(size);
    this.parameters = parameters(this.specs, keep);
    this.gradients = parameters(this.specs, keep);
    this.adam = new Adam(this.parameters.vector.length, this.training, this.backend);
    this.random = new Random(seed, 3);
    this.epoch = 0;
    this.order = new Int32Array(0);
    this.position = 0;
    initialize(this.specs, this.parameters.arrays, new Random(seed, 2));
  }

  /** The weights by name; they are those of the model, so that a change of them changes the model. */
  get weights() {
    return this.parameters.arrays;
  }

  /** Number of updates so far. */
  get update() {
    return this.adam.steps;
  }

  /** Whether all updates of the run have been made. */
  get finished() {
    return this.update >= this.training.updates;
  }

  /**
   * A pair as symbol ids.
   *
   * @param {Pair} pair
   * @returns {EncodedPair}
   */
  encode([source, target]) {
    const read = encodeText(source, this.ids.source);
    const written = encodeText(target, this.ids.target);
    return { source: this.settings.reverse ? read.reverse() : read, target: Int32Array.of(...written, 0) };
  }

  /**
   * Megabytes for the weights, their gradients and moments, and for the states of all steps of a batch with their
   * gradients. Arrays beyond that are still correct, but slow; see `wasmBackend`.
   */
  memory() {
    const { hidden_size: H, layers, bidirectional } = this.settings;
    const weights = this.specs.reduce((sum, { shape }) => sum + shape.reduce((product, each) => product * each, 1), 0);
    const longest = Math.max(...this.encoded.map(({ source, target }) => source.length + target.length));
    const sequences = Math.max(this.training.batch_size, 128); // predictions have larger batches, but keep less
    const states = longest * sequences * 24 * H * layers * (bidirectional ? 2 : 1);
    return Math.min(8 + Math.ceil((4 * (4 * weights + states)) / 2 ** 20), LARGEST_MEMORY);
  }

  /**
   * Make the next update.
   *
   * @returns {Step}
   */
  step() {
    if (this.position === this.order.length) {
      this.epoch += 1;
      this.order = this.random.permutation(this.encoded.length);
      this.position = 0;
    }
    const rows = this.order.subarray(this.position, this.position + this.training.batch_size);
    this.position += rows.length;
    return this.updateWith(batchOfPairs(Array.from(rows, (row) => this.encoded[row])));
  }

  /**
   * Update the weights with the gradient of a batch.
   *
   * @param {Batch} batch
   * @returns {Step}
   */
  updateWith(batch) {
    const learningRate = this.learningRate();
    const gradient = this.gradients.vector.fill(0);
    this.backend.reset();
    const { loss, backward } = this.model.loss(this.weights, batch, { backend: this.backend });
    backward(this.gradients.arrays);
    clipByGlobalNorm(gradient, this.training.clip_norm);
    this.adam.update(this.parameters.vector, gradient, learningRate);
    return { update: this.update, epoch: this.epoch, loss, learningRate };
  }

  /** The learning rate of the next update. After the run, it is that of the last one. */
  learningRate() {
    const { schedule, learning_rate: peak, updates, warmup } = this.training;
    return schedule === "constant" ? peak : oneCycle(Math.min(this.update, updates - 1), updates, peak, warmup);
  }

  /**
   * Predict the targets of sources.
   *
   * @param {readonly string[]} sources
   * @returns {string[]}
   */
  predict(sources) {
    const read = sources.map((source) => this.encode([source, ""]).source);
    const outputs = predictSymbols(this.model, this.weights, read, this.longest, this.backend);
    return outputs.map((ids) => Array.from(ids, (id) => this.symbols.target[id]).join(""));
  }

  /**
   * The share of validation pairs whose targets are predicted exactly.
   *
   * @param {number} [limit]  number of pairs to predict, from the first one
   */
  evaluate(limit = Infinity) {
    const pairs = this.pairs.validation.slice(0, limit);
    const found = this.predict(pairs.map(([source]) => source));
    const predictions = pairs.map(([source, target], at) => {
      return { source, target, prediction: found[at], correct: found[at] === target };
    });
    const correct = predictions.filter((each) => each.correct).length;
    return { exactMatch: correct / Math.max(pairs.length, 1), predictions };
  }

  /** @returns {Snapshot} */
  snapshot() {
    return {
      weights: this.parameters.vector.slice(),
      m: this.adam.m.slice(),
      v: this.adam.v.slice(),
      update: this.update,
      epoch: this.epoch,
      order: this.order.slice(),
      position: this.position,
      random: this.random.state.slice(),
    };
  }

  /**
   * Go on from a snapshot of a run with the same options.
   *
   * @param {Snapshot} snapshot
   */
  restore({ weights, m, v, update, epoch, order, position, random }) {
    this.parameters.vector.set(weights);
    this.adam.m.set(m);
    this.adam.v.set(v);
    this.adam.steps = update;
    Object.assign(this, { epoch, order: order.slice(), position });
    this.random.state.set(random);
  }
}

/**
 * @param {"auto" | "wasm" | "plain"} products
 * @param {number} megabytes
 * @returns {Backend}
 */
function createBackend(products, megabytes) {
  const backend = products === "plain" ? plainBackend() : wasmBackend(megabytes);
  if (backend) return backend;
  if (products === "wasm") throw new Error("WebAssembly with vector instructions is not available; use plain products");
  return plainBackend();
}

/**
 * The symbols of pairs in code point order.
 *
 * @param {Pair[]} pairs
 */
function symbolsOf(pairs) {
  const sorted = (/** @type {string[]} */ texts) => {
    const codes = new Set(texts.flatMap((text) => Array.from(text, (symbol) => symbol.codePointAt(0) ?? 0)));
    return [...codes].sort((x, y) => x - y).map((code) => String.fromCodePoint(code));
  };
  return {
    source: sorted(pairs.map(([source]) => source)),
    target: ["", ...sorted(pairs.map(([, target]) => target))],
  };
}

/** @param {readonly string[]} symbols */
function idsOf(symbols) {
  return new Map(symbols.map((symbol, id) => [symbol, id]));
}
