/**
 * What the modules of the runtime exchange. There is nothing to run in this file.
 *
 * Arrays are flat, in row-major order: (T, N, H) means that element (t, n, h) is at (t N + n) H + h.
 *
 * @typedef {object} ModelSettings  the settings of a model that its network depends on, named as in config.json
 * @property {boolean} reverse
 * @property {boolean} peeky
 * @property {boolean} attention
 * @property {"dot" | "general"} attention_kind
 * @property {boolean} copy
 * @property {boolean} bidirectional
 * @property {boolean} tied
 * @property {number} layers
 * @property {number} embedding_size
 * @property {number} hidden_size
 *
 * @typedef {object} Sizes  numbers of symbols
 * @property {number} source  size of the source vocabulary
 * @property {number} target  number of symbols that can be predicted (V)
 *
 * @typedef {Record<string, Float32Array>} Weights  name -> array, of weights or of their gradients
 *
 * @typedef {object} Sources  N sources as the encoder reads them, sorted by falling length
 * @property {number} count  N
 * @property {Int32Array} ids  (S, N) symbol ids, padded
 * @property {Int32Array} active  (S) number of sequences that have not ended at each step
 * @property {Int32Array | null} copyIds  (S, N), see copying.js; null if the model does not copy
 *
 * @typedef {object} Targets  at step t the decoder receives inputs[t] and predicts ids[t]
 * @property {Int32Array} inputs  (T, N) the start symbol, then the target without its last symbol
 * @property {Int32Array} ids  (T, N) the symbols to predict
 * @property {Uint8Array} valid  (T, N) 0 at padding
 * @property {Int32Array} active  (T) number of sequences that the decoder must run at each step
 *
 * @typedef {object} Batch  N pairs
 * @property {Sources} sources
 * @property {Targets} targets
 *
 * @typedef {(C: Float32Array, A: Float32Array, B: Float32Array, rows: number, inner: number, columns: number) => void}
 *   Product  adds a product to C (rows, columns); `inner` is the length of the sums
 *
 * @typedef {object} CellArrays  one step of an LSTM for the first n of N sequences; see cell.js
 * @property {Float32Array} gates  (N, 4H)
 * @property {Float32Array} before  (N, H) cell states before the step
 * @property {Float32Array} after  (N, H) cell states after the step
 *
 * @typedef {object} Backend  where arrays live, and what computes with them
 * @property {(size: number) => Float32Array} empty  a new array with arbitrary content, valid until the next reset
 * @property {(size: number) => Float32Array} zeros  a new array of zeros, valid until the next reset
 * @property {(size: number) => Float32Array} keep  a new array of zeros that resets leave alone, such as weights
 * @property {() => void} reset  reclaims the memory of `empty` and `zeros`
 * @property {Product} addAB  C += A B, where A is (rows, inner) and B (inner, columns)
 * @property {Product} addATB  C += A^T B, where A is (inner, rows) and B (inner, columns)
 * @property {Product} addABT  C += A B^T, where A is (rows, inner) and B (columns, inner)
 * @property {(cell: CellArrays, hidden: Float32Array, n: number, H: number) => void} cellForward  see cell.js
 * @property {(cell: CellArrays, da: Float32Array, dh: Float32Array, dc: Float32Array, n: number, H: number) => void}
 *   cellBackward  see cell.js
 * @property {(weights: Float32Array, gradient: Float32Array, m: Float32Array, v: Float32Array,
 *   step: import("./optimizer.js").AdamStep) => void} adam  see optimizer.js
 *
 * @typedef {object} StepOutput  the result of one decoding step
 * @property {Float32Array} logProbabilities  (N, V) in nats; (N, V + S) from a model that copies
 * @property {number} symbols  V, or V + S
 * @property {any} state  the state after the step, with a method `take`
 * @property {Float32Array | null} attention  (N, S) attention weights over the source steps as they are read, or null
 */

export {};
