/** Explanations of predictions: probabilities, and attention, pointer or saliency at each step. */

import { SettingsError } from "./conversion.js";
import { findOutputs } from "./outputs.js";
import { shares } from "./saliency.js";
import { atTemperature, logsOf, trace } from "./search.js";
import { batchOf } from "./source_batches.js";
import { UnanswerableError } from "./vocabulary.js";

/** @import { By, Choice, Explanation } from "../types.js" */
/** @import { Converter } from "./converter.js" */
/** @import { Encoded } from "./search.js" */
/** @import { SourceText } from "./source_reader.js" */

/**
 * @typedef {object} ExplainOptions
 * @property {string | null} [answer]  explain this target instead of the model's prediction
 * @property {number} [beam]  beam width
 * @property {number} [runnersUp]  number of alternative symbols to return at each step
 * @property {By | null} [by]  kind of the weights; null: the first that the model has
 *
 * @typedef {object} Step  the model's output at one step
 * @property {number} symbol
 * @property {Float32Array} logs  log-probabilities of all symbols
 * @property {number[]} attention  weights of the source steps, in the order in which the model reads them
 */

/**
 * Explain a prediction. That of a mixed ensemble is explained by its first model; the confidence is that of the
 * ensemble.
 *
 * @param {Converter} converter
 * @param {string} text
 * @param {ExplainOptions} [options]
 * @returns {Explanation}
 * @throws {SettingsError} if the model does not have this kind of weights
 * @throws {UnanswerableError} if the model cannot read the text or write the answer
 */
export function explain(converter, text, { answer = null, beam = 1, runnersUp = 3, by = null } = {}) {
  const kind = chooseWeights(converter, by);
  if (converter.mixed && answer === null) answer = converter.convert([text], { beam })[0].prediction;
  const source = converter.reader.read(text);
  try {
    const encoded = converter.model.encode(batchOf([source], converter.model.capabilities)); // for search and trace
    const { output, complete } = outputOf(converter, encoded, { source, answer, beam });
    const steps = stepsOf(converter, encoded, output);
    const shares = sharesOf(converter, source, { output, steps, by: kind });
    const pointer = converter.codec.pointer(source.ids, output);
    const choices = steps.map((step, t) => {
      const weights = converter.model.capabilities.reverse ? shares[t].toReversed() : shares[t];
      return choiceOf(converter, source, step, { weights, runnersUp, position: pointer ? pointer[t] : 0 });
    });
    const log =
      converter.mixed && answer !== null
        ? converter.logConfidence(source, answer)
        : steps.reduce((sum, { logs, symbol }) => sum + atTemperature(logs, converter.temperature ?? 1)(symbol), 0);
    return {
      source: text,
      answer: answer ?? converter.decode(source, output),
      confidence: converter.confidence(source, log),
      symbols: source.symbols,
      unknown: source.unknown,
      cut_off: !complete,
      calibrated: converter.temperature !== null,
      choices,
      by: kind,
    };
  } finally {
    converter.model.reset();
  }
}

/**
 * The kind of weights that shows where symbols come from.
 *
 * @param {Converter} converter
 * @param {By | null} [by]  the requested kind; null: the first that the model has
 * @returns {By}
 * @throws {SettingsError} if the model does not have it
 */
export function chooseWeights({ model: { capabilities } }, by = null) {
  const { attention, pointer } = capabilities;
  if (by === "attention" && !attention) throw new SettingsError("this model has no attention", "by");
  if (by === "pointer" && !pointer) throw new SettingsError("this model has no pointer", "by");
  return by ?? (pointer ? "pointer" : attention ? "attention" : "saliency");
}

/**
 * The symbols of the answer, or of the model's prediction, and whether they are complete.
 *
 * @param {Converter} converter
 * @param {Encoded} encoded
 * @param {{source: SourceText, answer: string | null, beam: number}} given
 */
function outputOf(converter, encoded, { source, answer, beam }) {
  if (answer !== null) {
    const unknown = converter.target.unknownSymbols(answer, converter.copiesOf(source));
    if (unknown.length) throw new UnanswerableError(`the model cannot predict ${unknown[0]}`);
    return { output: converter.encodeTarget(source, answer), complete: true };
  }
  const [[best]] = findOutputs(converter.model, encoded, converter.codec, [source], { width: beam });
  return { output: best.symbols, complete: best.complete };
}

/**
 * Run the model over an output.
 *
 * @param {Converter} converter
 * @param {Encoded} encoded
 * @param {readonly number[]} output
 */
function stepsOf({ model, codec }, encoded, output) {
  /** @type {Step[]} */
  const steps = [];
  trace(model, encoded, codec, [output], ({ step, output: found }) => {
    steps.push({ symbol: output[step], logs: logsOf(found, 0), attention: Array.from(found.attention ?? []) });
  });
  return steps;
}

/**
 * For each step, the weight of each source step, in the order in which the model reads them.
 *
 * @param {Converter} converter
 * @param {SourceText} source
 * @param {{output: readonly number[], steps: readonly Step[], by: By}} given
 * @returns {number[][]}
 */
function sharesOf(converter, source, { output, steps, by }) {
  if (by === "saliency") return saliencyShares(converter, source, output);
  if (by === "attention") return steps.map(({ attention }) => attention);
  const pointer = converter.codec.pointer(source.ids, output) ?? [];
  return pointer.map((at) => source.ids.map((_, position) => Number(position === at)));
}

/**
 * For each step, the share of each source step in the saliency, in the order in which the model reads them.
 *
 * @param {Converter} converter
 * @param {SourceText} source
 * @param {readonly number[]} output
 */
function saliencyShares({ model, codec }, source, output) {
  const [T, S] = [output.length, source.ids.length];
  const targets = {
    inputs: Int32Array.of(codec.start, ...output.slice(0, -1)).subarray(0, T),
    ids: Int32Array.from(output),
    valid: new Uint8Array(T).fill(1),
    active: new Int32Array(T).fill(1),
  };
  return shares(model.saliency({ sources: batchOf([source], model.capabilities), targets }), T, S);
}

/**
 * One step of an explanation.
 *
 * @param {Converter} converter
 * @param {SourceText} source
 * @param {Step} step
 * @param {{weights: number[], runnersUp: number, position: number}} more  `position`: of the pointer
 * @returns {Choice}
 */
function choiceOf(converter, source, { symbol: chosen, logs }, { weights, runnersUp, position }) {
  const probabilities = logs.map((log) => Math.exp(log));
  const ranked = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const others = ranked.filter((id) => id !== chosen && probabilities[id] > 0).slice(0, runnersUp);
  const written = (/** @type {number} */ id) => {
    const writes = converter.codec.written(source.ids, id, position);
    return writes ? converter.symbolsOf(source, [writes]).join("") : "";
  };
  return {
    symbol: written(chosen),
    probability: probabilities[chosen],
    runners_up: others.map((id) => [label(converter.codec.action(id), written(id)), probabilities[id]]),
    weights,
    action: converter.codec.action(chosen),
  };
}

/**
 * An action with the symbol that it writes, such as "copy a"; the symbol alone if it is no action.
 *
 * @param {string} action
 * @param {string} symbol
 */
function label(action, symbol) {
  return action && symbol ? `${action} ${symbol}` : action || symbol;
}
