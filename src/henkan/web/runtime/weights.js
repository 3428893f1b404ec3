/** The weights of the encoder-decoder: names, shapes and initial values, as in the NumPy engine. */

import { Random } from "./random.js";

/** @import { ModelSettings, Sizes, Weights } from "./types.js" */

/**
 * @typedef {object} WeightSpec
 * @property {string} name
 * @property {number[]} shape
 * @property {(array: Float32Array, shape: number[], random: Random) => void} initialize  fills an array of zeros
 */

/**
 * @param {string} name
 * @param {number[]} shape
 * @param {number} deviation  of the normal distribution
 * @returns {WeightSpec}
 */
function normal(name, shape, deviation) {
  return {
    name,
    shape,
    initialize: (array, _, random) => array.forEach((_, at) => (array[at] = deviation * random.normal())),
  };
}

/**
 * A matrix with values from N(0, 1 / rows), which keeps the variance of a product's inputs.
 *
 * @param {string} name
 * @param {number} rows
 * @param {number} columns
 */
function matrix(name, rows, columns) {
  return normal(name, [rows, columns], rows ** -0.5);
}

/**
 * @param {string} name
 * @param {number} size
 * @returns {WeightSpec}
 */
function bias(name, size) {
  return { name, shape: [size], initialize() {} };
}

/**
 * The weights of an LSTM: name.Wx (D, 4H), name.Wh (H, 4H), name.b (4H).
 *
 * @param {string} name
 * @param {number} D
 * @param {number} H
 * @returns {WeightSpec[]}
 */
function lstmSpecs(name, D, H) {
  return [
    matrix(`${name}.Wx`, D, 4 * H),
    { name: `${name}.Wh`, shape: [H, 4 * H], initialize: orthogonalGates },
    // A bias of 1 of the forget gate makes cells keep their content at the start of training.
    { name: `${name}.b`, shape: [4 * H], initialize: (array) => array.fill(1, H, 2 * H) },
  ];
}

/**
 * An orthogonal matrix for each gate, which preserves the norm of a state through time (Saxe et al. 2014).
 *
 * @param {Float32Array} array  (H, 4H)
 * @param {number[]} shape
 * @param {Random} random
 */
function orthogonalGates(array, [H], random) {
  for (let gate = 0; gate < 4; gate++) {
    orthogonalRows(H, random).forEach((row, i) => array.set(row, i * 4 * H + gate * H));
  }
}

/**
 * A uniformly distributed orthogonal matrix: each row from N(0, 1) loses its part along the rows before it
 * (Gram-Schmidt), and gets length 1.
 *
 * @param {number} size
 * @param {Random} random
 */
function orthogonalRows(size, random) {
  /** @type {Float64Array[]} */
  const rows = [];
  while (rows.length < size) {
    const row = Float64Array.from({ length: size }, () => random.normal());
    for (const before of rows) {
      const along = inner(row, before);
      for (let k = 0; k < size; k++) row[k] -= along * before[k];
    }
    const norm = Math.sqrt(inner(row, row));
    rows.push(row.map((each) => each / norm));
  }
  return rows;
}

/**
 * @param {Float64Array} x
 * @param {Float64Array} y
 */
function inner(x, y) {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += x[k] * y[k];
  return sum;
}

/**
 * The weights of a model.
 *
 * @param {ModelSettings} settings
 * @param {Sizes} sizes
 * @returns {WeightSpec[]}
 */
export function weightSpecs(settings, sizes) {
  return [
    ...encoderSpecs(settings, sizes.source),
    ...bridgeSpecs(settings),
    ...attentionSpecs(settings),
    ...decoderSpecs(settings, sizes.target),
  ];
}

/**
 * @param {ModelSettings} settings
 * @param {number} symbols
 */
function encoderSpecs({ embedding_size: D, hidden_size: H, layers, bidirectional }, symbols) {
  const specs = [normal("encoder.E", [symbols, D], 1)];
  const names = bidirectional ? ["lstm", "back"] : ["lstm"];
  for (let number = 1; number <= layers; number++) {
    const inputs = number === 1 ? D : H * names.length;
    for (const name of names) specs.push(...lstmSpecs(`encoder.${name}${number}`, inputs, H));
  }
  return specs;
}

/** @param {ModelSettings} settings */
function bridgeSpecs({ hidden_size: H, layers, bidirectional }) {
  if (!bidirectional) return [];
  const numbers = Array.from({ length: layers }, (_, index) => index + 1);
  return numbers.flatMap((number) => [matrix(`bridge.W${number}`, 2 * H, H), bias(`bridge.b${number}`, H)]);
}

/** @param {ModelSettings} settings */
function attentionSpecs({ hidden_size: H, bidirectional, attention, attention_kind: kind }) {
  if (!attention) return [];
  const M = bidirectional ? 2 * H : H;
  const specs = [matrix("attention.Wv", M, H), matrix("attention.Wq", H, H), bias("attention.b", H)];
  return kind === "general" ? [...specs, matrix("attention.Wk", M, H)] : specs;
}

/**
 * @param {ModelSettings} settings
 * @param {number} V
 */
function decoderSpecs({ embedding_size: D, hidden_size: H, layers, peeky, tied, copy }, V) {
  // Tied embeddings are also the weights of the output layer, so they need its small initial values.
  const deviation = tied ? H ** -0.5 : 1;
  const specs = [normal("decoder.E", [V, D], deviation)];
  for (let number = 1; number <= layers; number++) {
    specs.push(...lstmSpecs(`decoder.lstm${number}`, number === 1 ? D : H, H));
  }
  if (!tied) specs.push(matrix("decoder.Wy", H, V));
  specs.push(bias("decoder.by", V));
  if (peeky) specs.push(matrix("decoder.Wc", H, 4 * H), matrix("decoder.Wyc", H, V));
  if (!copy) return specs;
  return [
    ...specs,
    normal("decoder.copied", [1, D], deviation),
    matrix("decoder.copy_w", H, 1),
    bias("decoder.copy_b", 1),
  ];
}

/**
 * Named arrays that share one flat vector, so that clipping and updates are one pass.
 *
 * @param {WeightSpec[]} specs
 * @param {(size: number) => Float32Array} allocate
 * @returns {{vector: Float32Array, arrays: Weights}}  all zero
 */
export function parameters(specs, allocate) {
  const sizes = specs.map(({ shape }) => shape.reduce((product, each) => product * each, 1));
  const total = sizes.reduce((sum, each) => sum + each, 0);
  const vector = allocate(Math.ceil(total / 4) * 4); // whole vectors of four, for WebAssembly; the rest stays zero
  let at = 0;
  const arrays = specs.map(({ name }, index) => {
    const own = vector.subarray(at, at + sizes[index]);
    at += sizes[index];
    return [name, own];
  });
  return { vector, arrays: Object.fromEntries(arrays) };
}

/**
 * Draw the initial weights of a new model.
 *
 * @param {WeightSpec[]} specs
 * @param {Weights} arrays  all zero; filled in
 * @param {Random} random
 */
export function initialize(specs, arrays, random) {
  for (const { name, shape, initialize: fill } of specs) fill(arrays[name], shape, random);
}
