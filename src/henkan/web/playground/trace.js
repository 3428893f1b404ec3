/** How the model answers one question: every gate, state and probability. */

import { batchOf, inReadingOrder, TARGET_SYMBOLS, targetIds } from "./addition.js";
import { weight } from "../runtime/layers.js";

/** @import { EncoderDecoder, Loss } from "../runtime/encoder_decoder.js" */
/** @import { Backend, Weights } from "../runtime/types.js" */
/** @import { Trace, TraceStep } from "./types.js" */

/**
 * @typedef {object} Subject  the model that is looked at
 * @property {EncoderDecoder} model
 * @property {Weights} weights
 * @property {Backend} backend
 * @property {number} update  number of updates of the weights so far
 */

/**
 * Greedy decoding of one source.
 *
 * @param {Subject} subject
 * @param {string} source
 * @param {number} [longest]  number of symbols after which it stops without an end
 * @returns {string[]}  the predicted symbols; the last one is "", the end
 */
export function predict({ model, weights, backend }, source, longest = 7) {
  const { sources } = batchOf([source], [[""]], model.settings.reverse);
  let { memory, state } = model.encode(weights, sources, backend);
  /** @type {string[]} */
  const written = [];
  while (written.length < longest && written.at(-1) !== "") {
    const last = Int32Array.of(written.length ? targetIds([written[written.length - 1]])[0] : 0);
    const output = model.step(weights, memory, state, last, backend);
    const logs = output.logProbabilities;
    written.push(TARGET_SYMBOLS[logs.indexOf(Math.max(...logs))]);
    state = output.state;
  }
  backend.reset();
  return written;
}

/**
 * Trace the prediction for a source.
 *
 * @param {Subject} subject
 * @param {string} source
 * @param {string} answer  the true target
 * @returns {Trace}
 */
export function traceOf(subject, source, answer) {
  const { model, weights, backend } = subject;
  const { hidden_size: hidden, peeky, attention, reverse } = model.settings;
  const written = predict(subject, source);
  const batch = batchOf([source], [written], reverse);
  const found = model.loss(weights, batch, { backend });
  const steps = [
    ...lstmSteps(subject, found, "encoder", batch.sources.ids, null),
    ...lstmSteps(subject, found, "decoder", batch.targets.inputs, contextOf(subject, found)),
  ];
  const read = inReadingOrder(source, reverse);
  read.forEach((symbol, t) => (steps[t].input = symbol));
  written.forEach((symbol, t) => {
    const step = steps[read.length + t];
    step.input = written[t - 1] ?? "";
    step.output = symbol;
    step.probabilities = probabilitiesAt(found.logProbabilities, t);
    if (found.alignment) step.attention = [...found.alignment.subarray(t * read.length, (t + 1) * read.length)];
  });
  const target = [...answer, ""];
  const { logProbabilities } = model.loss(weights, batchOf([source], [target], reverse), { backend });
  const forced = target.map((_, t) => probabilitiesAt(logProbabilities, t));
  backend.reset();
  return { update: subject.update, source, read, written, target, forced, steps, hidden, reverse, peeky, attention };
}

/**
 * The probabilities of all target symbols at one step.
 *
 * @param {Float32Array} logProbabilities  (T, V)
 * @param {number} t
 * @returns {[string, number][]}
 */
export function probabilitiesAt(logProbabilities, t) {
  const V = TARGET_SYMBOLS.length;
  return TARGET_SYMBOLS.map((symbol, id) => [symbol, Math.exp(logProbabilities[t * V + id])]);
}

/**
 * The steps of the encoder or the decoder, with what their gates' inputs consist of.
 *
 * @param {Subject} subject
 * @param {Loss} found
 * @param {"encoder" | "decoder"} side
 * @param {Int32Array} ids  (T) of the input symbols
 * @param {Float32Array | null} fromContext  (4H)
 * @returns {TraceStep[]}
 */
function lstmSteps({ weights, backend, model }, found, side, ids, fromContext) {
  const H = model.settings.hidden_size;
  const { hs, cs, gates } = statesOf(found, side);
  const [E, Wx, Wh, b] = ["E", "lstm1.Wx", "lstm1.Wh", "lstm1.b"].map((name) => weight(weights, `${side}.${name}`));
  const D = Wx.length / (4 * H);
  return Array.from(ids, (id, t) => {
    const [fromInput, fromState] = [backend.zeros(4 * H), backend.zeros(4 * H)];
    fromInput.set(b);
    backend.addAB(fromInput, E.subarray(id * D, (id + 1) * D), Wx, 1, D, 4 * H);
    backend.addAB(fromState, hs.subarray(t * H, (t + 1) * H), Wh, 1, H, 4 * H);
    return {
      side,
      input: "",
      output: "",
      fromInput: fromInput.slice(),
      fromState: fromState.slice(),
      fromContext,
      gates: gates.slice(t * 4 * H, (t + 1) * 4 * H),
      cBefore: cs.slice(t * H, (t + 1) * H),
      hBefore: hs.slice(t * H, (t + 1) * H),
      c: cs.slice((t + 1) * H, (t + 2) * H),
      h: hs.slice((t + 1) * H, (t + 2) * H),
      probabilities: [],
      attention: null,
    };
  });
}

/**
 * What peeking adds to the gates' inputs at every step, or null.
 *
 * @param {Subject} subject
 * @param {Loss} found
 */
function contextOf({ model, weights, backend }, found) {
  if (!model.settings.peeky) return null;
  const H = model.settings.hidden_size;
  const { hs } = statesOf(found, "encoder");
  const context = backend.zeros(4 * H);
  backend.addAB(context, hs.subarray(hs.length - H), weight(weights, "decoder.Wc"), 1, H, 4 * H);
  return context.slice();
}

/**
 * The states of the encoder or the decoder.
 *
 * @param {Loss} found
 * @param {"encoder" | "decoder"} side
 */
export function statesOf({ lstms }, side) {
  const lstm = lstms.find(({ name }) => name === `${side}.lstm1`);
  if (!lstm) throw new RangeError(`the model has no ${side}`);
  return lstm.states;
}
