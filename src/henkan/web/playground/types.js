/**
 * What the page and its workers exchange. There is nothing to run in this file.
 *
 * @typedef {object} ModelChoice  settings of one model
 * @property {boolean} reverse
 * @property {boolean} peeky
 * @property {boolean} attention
 * @property {number} hidden  H
 * @property {number} rate  learning rate, the peak of the one-cycle schedule
 *
 * @typedef {object} DataChoice  what the models learn
 * @property {number} digits  largest number of digits of an operand
 * @property {number} pairs  number of pairs to train on
 * @property {number} seed
 *
 * @typedef {"slow" | "medium" | "fast"} Speed
 *
 * @typedef {object} Answer  one of the ten questions
 * @property {string} source
 * @property {string} target
 * @property {string} prediction
 *
 * @typedef {object} Progress  where training is
 * @property {number} update  number of updates so far
 * @property {number} updates  number of all updates
 * @property {number} epoch  number of passes over the pairs so far
 * @property {number} pairs  number of pairs to train on
 * @property {number} held  number of pairs to test on
 * @property {number} tested  of them, as training goes on; all at the end
 * @property {number} parameters  number of weights
 * @property {number | null} rate  updates per second since training was last started; null if that was just now
 * @property {boolean} running
 * @property {boolean} done
 * @property {Point[]} losses  new since the last message
 * @property {Point[]} matches  new since the last message
 * @property {Answer[]} answers  to the ten questions
 *
 * @typedef {[update: number, value: number]} Point
 *
 * @typedef {{kind: "trace" | "influence", source: string} | {kind: "gradient" | "weights"} |
 *   {kind: "probe", place: number, step: number}} Inspection
 *
 * @typedef {object} Weights
 * @property {number} update
 * @property {{name: string, shape: number[], values: Float32Array}[]} tensors
 * @property {import("../runtime/types.js").ModelSettings} settings
 * @property {{source: string[], target: string[]}} symbols  by id
 *
 * @typedef {{kind: "start", generation: number, data: DataChoice, model: ModelChoice,
 *   products: "auto" | "wasm" | "plain"} |
 *   {kind: "run", speed: Speed, until?: number} | {kind: "pause"} | {kind: "step"} |
 *   {kind: "inspect", id: number, inspection: Inspection}} Command  from the page to a worker
 *
 * @typedef {{kind: "progress", generation: number, progress: Progress} | {kind: "inspected", id: number, value: unknown} |
 *   {kind: "failed", id: number | null, message: string}} Report  from a worker to the page
 *
 * @typedef {object} Trace  how the model answers one question, step by step
 * @property {number} update
 * @property {string} source
 * @property {string[]} read  source symbols in the order in which the encoder reads them
 * @property {string[]} written  predicted symbols; "" is the end
 * @property {string[]} target  true symbols; "" is the end
 * @property {[string, number][][]} forced  the probabilities of all symbols at each step, if the decoder receives the
 *   true symbols
 * @property {TraceStep[]} steps  of the encoder, then of the decoder
 * @property {number} hidden  H
 * @property {boolean} reverse
 * @property {boolean} peeky
 * @property {boolean} attention
 *
 * @typedef {object} TraceStep
 * @property {"encoder" | "decoder"} side
 * @property {string} input  the symbol that is read; "" is the boundary
 * @property {string} output  what the decoder writes; "" is the end or, in the encoder, nothing
 * @property {Float32Array} fromInput  (4H) x Wx + b
 * @property {Float32Array} fromState  (4H) h Wh
 * @property {Float32Array | null} fromContext  (4H) context Wc, or null
 * @property {Float32Array} gates  (4H) i, f, g, o
 * @property {Float32Array} cBefore  (H)
 * @property {Float32Array} hBefore  (H)
 * @property {Float32Array} c  (H)
 * @property {Float32Array} h  (H)
 * @property {[string, number][]} probabilities  of all symbols; none in the encoder
 * @property {number[] | null} attention  weights of the source symbols in the order in which they are read
 *
 * @typedef {object} Influence  which source symbols a prediction depends on
 * @property {number} update
 * @property {string} source
 * @property {string} prediction
 * @property {import("../types.js").Choice[]} saliency
 * @property {import("../types.js").Choice[] | null} attention
 *
 * @typedef {object} GradientPath  how much of a gradient arrives at each step, back in time
 * @property {number} update
 * @property {PathOrder[]} orders  the model's own, then the other one
 * @property {number} digits
 * @property {number} count  number of sums that the norms are means of
 *
 * @typedef {object} PathOrder
 * @property {boolean} reverse
 * @property {number[][]} norms  for each target symbol: the mean norm of the gradient of its loss with respect to h after
 *   each step of the encoder, then of the decoder
 *
 * @typedef {object} Probe  where a carry is encoded
 * @property {number} update
 * @property {number} place  0 for the carry of the units
 * @property {number} digits
 * @property {boolean} reverse
 * @property {number} fitted  number of sums that the classifiers are fitted to
 * @property {number} held  number of other sums
 * @property {number} chance  accuracy of always giving the more frequent answer
 * @property {ProbeStep[]} steps  of the encoder, then of the decoder
 *
 * @typedef {object} ProbeStep
 * @property {"encoder" | "decoder"} side
 * @property {number} accuracy  on the held-out sums
 * @property {number} fit  accuracy on the sums that it was fitted to
 * @property {number} untrained  accuracy on the held-out sums with the weights before the first update
 *
 * @typedef {object} Projection  the held-out sums in two dimensions
 * @property {number} update
 * @property {ProjectedSum[]} sums
 *
 * @typedef {object} ProjectedSum
 * @property {string} source
 * @property {boolean} carry
 * @property {number} x  output of the classifier: above 0 means a carry
 * @property {number} y  first principal component of the rest
 */

export {};
