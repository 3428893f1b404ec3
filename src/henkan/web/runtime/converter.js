/** Converts texts with a trained model. */

import { probability } from "./confidence.js";
import { SettingsError, checkedSettings, needsConfidence, resultOfLexicon, withoutPrediction } from "./conversion.js";
import { copiesOf } from "./copy_ids.js";
import { findOutputs } from "./outputs.js";
import { candidates, predictionResult } from "./results.js";
import { score } from "./search.js";
import { batchOf, computeGroups, groupsOfEqualLength } from "./source_batches.js";
import { SourceReader } from "./source_reader.js";
import { UnanswerableError } from "./vocabulary.js";

/** @import { Result } from "../types.js" */
/** @import { TrainingDomain } from "./confidence.js" */
/** @import { ConvertSettings } from "./conversion.js" */
/** @import { Codec } from "./plain_targets.js" */
/** @import { Model } from "./predictor.js" */
/** @import { Encoded, Hypothesis } from "./search.js" */
/** @import { SourceText } from "./source_reader.js" */
/** @import { Vocabulary } from "./vocabulary.js" */

const BATCH_SIZE = 64;

/**
 * @typedef {object} ConverterParts
 * @property {Model} model
 * @property {Vocabulary} source
 * @property {Vocabulary} target
 * @property {Codec} codec
 * @property {number | null} temperature  of the calibration of the confidence
 * @property {TrainingDomain | null} domain  what the model was trained on; null if unknown
 */

/** Converts texts with a model and its vocabularies. */
export class Converter {
  /** Whether several different models predict together; see mixture.js. */
  mixed = false;

  /** @param {ConverterParts} parts */
  constructor({ model, source, target, codec, temperature, domain }) {
    this.model = model;
    this.source = source;
    this.target = target;
    this.codec = codec;
    this.temperature = temperature;
    this.domain = domain;
    this.reader = new SourceReader(source, target, domain?.range ?? null);
  }

  /** What the model can do. */
  get capabilities() {
    return this.model.capabilities;
  }

  /**
   * Convert texts. The result of a text that cannot be converted gives the reason.
   *
   * @param {readonly string[]} texts
   * @param {Partial<ConvertSettings>} [options]
   * @returns {Result[]}  one for each text
   * @throws {SettingsError} if an option is out of range, or the model does not support it
   */
  convert(texts, options = {}) {
    const settings = checkedSettings(options);
    const { lexicon } = settings;
    if (!lexicon) return this.convertByModel(texts, settings);
    const found = texts.map((text) => lexicon.targets(text));
    const others = this.convertByModel(texts.filter((_, k) => !found[k].length), settings);
    return texts.map((text, k) => {
      if (found[k].length) return resultOfLexicon(text, found[k], settings);
      return { .../** @type {Result} */ (others.shift()), origin: "model" };
    });
  }

  /**
   * Convert texts without a lexicon.
   *
   * @param {readonly string[]} texts
   * @param {ConvertSettings} settings
   * @returns {Result[]}
   */
  convertByModel(texts, settings) {
    const { attention, copying } = this.capabilities;
    if (settings.unknown === "copy" && !attention && !copying) {
      throw new SettingsError("unknown symbols can be copied only by a model with attention", "unknown");
    }
    return this.convertReadable(texts, settings, (sources) => {
      const temperatures = needsConfidence(settings) ? [this.temperature ?? 1] : [];
      return this.inGroups(sources, settings.beam, (group, encoded) => {
        const outputs = findOutputs(this.model, encoded, this.codec, group, { width: settings.beam, temperatures });
        return outputs.map((hypotheses, n) => this.#result(group[n], hypotheses, settings));
      });
    });
  }

  /**
   * Convert the texts that the model can read, and that the settings do not exclude.
   *
   * @param {readonly string[]} texts
   * @param {ConvertSettings} settings
   * @param {(sources: SourceText[]) => (Result | null)[]} convert  returns null where there is not enough memory
   */
  convertReadable(texts, settings, convert) {
    const read = texts.map((text) => this.reader.readForConversion(text, settings));
    const sources = read.flatMap((each) => ("source" in each ? [each.source] : []));
    const converted = convert(sources);
    let next = 0;
    return read.map((each) => {
      if ("result" in each) return each.result;
      return converted[next++] ?? outOfMemory(each.source);
    });
  }

  /**
   * Compute something for sources, in groups.
   *
   * @template R
   * @param {readonly SourceText[]} sources
   * @param {number} copies  of each source that must fit into memory
   * @param {(group: SourceText[], encoded: Encoded) => R[]} compute
   * @returns {(R | null)[]}  for each source; null where there is not enough memory
   */
  inGroups(sources, copies, compute) {
    /** @type {(R | null)[]} */
    const found = new Array(sources.length).fill(null);
    computeGroups(groupsOfEqualLength(sources, Math.max(1, Math.floor(BATCH_SIZE / copies))), (positions) => {
      const group = positions.map((position) => sources[position]);
      try {
        const results = compute(group, this.model.encode(batchOf(group, this.model.capabilities)));
        positions.forEach((position, n) => (found[position] = results[n]));
      } finally {
        this.model.reset();
      }
    });
    return found;
  }

  /**
   * @param {SourceText} source
   * @param {readonly Hypothesis[]} hypotheses  best first
   * @param {ConvertSettings} settings
   */
  #result(source, hypotheses, settings) {
    const copies = settings.unknown === "copy" && source.unknown.length > 0 && !this.capabilities.copying;
    const ranked = hypotheses.map((each) => ({
      text: copies ? this.#withCopies(source, each) : this.decode(source, each.symbols),
      logProbability: each.logProbability,
      calibrated: each.calibrated[0] ?? 0,
    }));
    const confidence = needsConfidence(settings) ? this.confidence(source, ranked[0].calibrated) : null;
    const nbest = settings.nbest > 1 ? candidates(source, ranked, settings) : [];
    return predictionResult(source, ranked[0], { confidence, nbest, cutOff: !hypotheses[0].complete }, settings);
  }

  /**
   * The confidence of a prediction; null if nothing supports an estimate.
   *
   * @param {SourceText} source
   * @param {number} logProbability  in nats, at the calibration temperature
   */
  confidence({ outside }, logProbability) {
    const confidence = probability(logProbability);
    return this.domain && outside.size ? this.domain.confidence(confidence, outside) : confidence;
  }

  /**
   * Decode predicted symbols to text.
   *
   * @param {SourceText} source
   * @param {readonly number[]} symbols
   */
  decode(source, symbols) {
    return this.target.join(this.symbolsOf(source, this.codec.decode(source.ids, symbols)));
  }

  /**
   * Symbols of ids in the target vocabulary, and of copies of source symbols; see `Codec.decode`. An unknown feature
   * tag may be read as a symbol of the text, but it is never written, nor is a separator.
   *
   * @param {SourceText} source
   * @param {readonly number[]} ids
   */
  symbolsOf({ symbols }, ids) {
    const [V, { separator }] = [this.target.size, this.target.tokenizer];
    const written = ids.map((id) => {
      if (id < V) return this.target.symbolsById[id];
      const symbol = symbols[id - V];
      return this.source.tokenizer.isTag(symbol) || symbol === separator ? "" : symbol;
    });
    return written.filter((symbol) => symbol !== "");
  }

  /**
   * The text of an output in which symbols are replaced by unknown symbols of the source, each once, where it has the
   * largest attention weight.
   *
   * @param {SourceText} source
   * @param {Hypothesis} hypothesis
   */
  #withCopies(source, { symbols: predicted, attended }) {
    const written = this.target.symbolsOf(this.codec.decode(source.ids, predicted));
    const steps = attended.slice(0, written.length); // the end symbol has attention too
    const [copied, symbols] = [new Set(), /** @type {string[]} */ ([])];
    (this.codec.reverse ? steps.reverse() : steps).forEach((step, k) => {
      const position = this.capabilities.reverse ? source.symbols.length - 1 - step : step;
      const symbol = source.symbols[position];
      if (this.source.knows(symbol) || this.source.tokenizer.isTag(symbol)) symbols.push(written[k]);
      else if (!copied.has(position)) {
        copied.add(position);
        symbols.push(symbol);
      }
    });
    return this.target.join(symbols);
  }

  /**
   * Ids of the symbols that the model can only copy from a source.
   *
   * @param {SourceText} source
   */
  copiesOf({ symbols }) {
    if (!this.model.capabilities.copying) return undefined;
    return copiesOf(symbols, this.source.tokenizer, this.target);
  }

  /**
   * The symbols to predict for a target.
   *
   * @param {SourceText} source
   * @param {string} target
   * @throws {UnanswerableError} if the model cannot write it
   */
  encodeTarget(source, target) {
    const others = this.copiesOf(source);
    const output = this.codec.encode(source.ids, this.target.encode(target, { others }), source.copyIds);
    if (output) return output;
    throw new UnanswerableError("symbols that can only be copied are not in the order of the source");
  }

  /**
   * The log-probabilities of given targets.
   *
   * @param {readonly SourceText[]} sources
   * @param {readonly string[]} targets  one for each source
   * @param {readonly number[]} temperatures
   * @returns {number[][]}  for each target, one in nats for each temperature; minus infinity if the model cannot write
   *   it, and NaN if there is not enough memory
   */
  score(sources, targets, temperatures) {
    const outputs = sources.map((source, k) => this.#outputOf(source, targets[k]));
    const possible = [...sources.keys()].filter((k) => outputs[k]);
    const given = possible.map((k) => ({ ...sources[k], output: outputs[k] ?? [] }));
    const found = this.inGroups(given, 1, (group, encoded) => {
      const each = /** @type {typeof given} */ (group).map(({ output }) => output);
      return score(this.model, encoded, this.codec, each, temperatures);
    });
    const totals = sources.map(() => temperatures.map(() => -Infinity));
    possible.forEach((k, n) => (totals[k] = found[n] ?? temperatures.map(() => NaN)));
    return totals;
  }

  /**
   * @param {SourceText} source
   * @param {string} target
   */
  #outputOf(source, target) {
    try {
      return this.encodeTarget(source, target);
    } catch (error) {
      if (error instanceof UnanswerableError) return null;
      throw error;
    }
  }

  /**
   * The logarithm of the probability of a target at the model's temperature, in nats.
   *
   * @param {SourceText} source
   * @param {string} target
   */
  logConfidence(source, target) {
    return this.score([source], [target], [this.temperature ?? 1])[0][0];
  }
}

/** @param {SourceText} source */
function outOfMemory({ text, ids, unknown }) {
  const reason = `not enough memory for ${ids.length.toLocaleString("en")} symbols`;
  return withoutPrediction(text, reason, { out_of_memory: true, unknown });
}
