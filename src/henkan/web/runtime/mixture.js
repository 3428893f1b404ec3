/**
 * Mixed ensembles: models of different architectures, directions or settings that predict together.
 *
 * Such models do not share the steps of their outputs, so they combine strings: each proposes its best outputs, all
 * score all proposals, and the largest weighted mean of log-probabilities decides. If only one prediction is wanted,
 * and the best outputs of all models are the same, it is that one.
 *
 *     score(y) = sum_m w_m log P_m(y | x) / sum_m w_m           over the models that can write y
 *     confidence(y) = sum_m w_m P_{m,T}(y | x) / sum_m w_m      at the temperature T
 */

import { needsConfidence } from "./conversion.js";
import { Converter } from "./converter.js";
import { candidates, predictionResult } from "./results.js";

/** @import { ConvertSettings } from "./conversion.js" */
/** @import { Ranked } from "./results.js" */
/** @import { SourceText } from "./source_reader.js" */

/** Number of proposals of each model, unless a wider beam is requested. */
const MIN_PROPOSALS = 4;

/**
 * @typedef {object} Proposals  of all models for a text
 * @property {Set<string>} texts
 * @property {Set<string>} cutOff  those that were cut off
 * @property {boolean} outOfMemory
 */

/** Converts texts with several different models. The first reads the texts. */
export class Mixture extends Converter {
  mixed = true;

  /**
   * @param {readonly Converter[]} converters
   * @param {readonly number[]} weights  of each model in the mean
   * @param {number | null} temperature
   */
  constructor(converters, weights, temperature) {
    super({ ...converters[0], temperature });
    this.converters = converters;
    this.weights = weights;
  }

  /** What the mixture can do: it copies if one of the models does. */
  get capabilities() {
    const each = this.converters.map((converter) => converter.capabilities);
    return { ...each[0], copying: each.some(({ copying }) => copying) };
  }

  /**
   * @param {readonly string[]} texts
   * @param {ConvertSettings} settings
   */
  convertByModel(texts, settings) {
    return this.convertReadable(texts, settings, (sources) => {
      const found = this.#propose(sources.map(({ text }) => text), settings);
      return sources.map((source, k) => this.#mixedResult(source, found[k], settings));
    });
  }

  /**
   * @param {SourceText} source
   * @param {Proposals} proposals
   * @param {ConvertSettings} settings
   */
  #mixedResult(source, { texts, cutOff, outOfMemory }, settings) {
    const ranked = this.#ranked(source, [...texts], settings);
    if (outOfMemory || !ranked.length || ranked.some((each) => Number.isNaN(each.logProbability))) return null;
    const confidence = needsConfidence(settings) ? this.confidence(source, ranked[0].calibrated) : null;
    const nbest = settings.nbest > 1 ? candidates(source, ranked, settings) : [];
    return predictionResult(source, ranked[0], { confidence, nbest, cutOff: cutOff.has(ranked[0].text) }, settings);
  }

  /**
   * The proposals with their scores, best first.
   *
   * @param {SourceText} source
   * @param {readonly string[]} texts
   * @param {ConvertSettings} settings
   * @returns {Ranked[]}
   */
  #ranked(source, texts, settings) {
    const temperatures = needsConfidence(settings) ? [1, this.temperature ?? 1] : [1];
    const each = this.#scores(source, texts, temperatures);
    const ranked = texts.map((text, k) => ({
      text,
      logProbability: this.#mean(each.map((scores) => scores[k][0])),
      calibrated: needsConfidence(settings) ? this.#pooled(each.map((scores) => scores[k][1])) : 0,
    }));
    return ranked.sort((a, b) => b.logProbability - a.logProbability);
  }

  /**
   * The log-probabilities of targets under each model.
   *
   * @param {SourceText} source
   * @param {readonly string[]} targets
   * @param {readonly number[]} temperatures
   */
  #scores({ text }, targets, temperatures) {
    return this.converters.map((converter) => {
      const read = converter.reader.readIfPossible(text);
      if (!read) return targets.map(() => temperatures.map(() => -Infinity));
      return converter.score(targets.map(() => read), targets, temperatures);
    });
  }

  /**
   * The proposals for each text. If the models agree, there is only one, unless more predictions are wanted.
   *
   * @param {readonly string[]} texts
   * @param {ConvertSettings} settings
   */
  #propose(texts, settings) {
    if (settings.beam > 1) return this.#ofWidth(Math.max(settings.beam, MIN_PROPOSALS), texts, settings);
    const found = this.#ofWidth(1, texts, settings);
    const disputed = [...texts.keys()].filter((k) => found[k].texts.size > 1);
    const more = this.#ofWidth(MIN_PROPOSALS, disputed.map((k) => texts[k]), settings);
    disputed.forEach((k, n) => (found[k] = more[n]));
    return found;
  }

  /**
   * The proposals of all models for each text, `width` of each model.
   *
   * @param {number} width
   * @param {readonly string[]} texts
   * @param {ConvertSettings} settings
   */
  #ofWidth(width, texts, { unknown }) {
    /** @type {Proposals[]} */
    const found = texts.map(() => ({ texts: new Set(), cutOff: new Set(), outOfMemory: false }));
    for (const converter of this.converters) {
      converter.convert(texts, { unknown, beam: width, nbest: width }).forEach((result, k) => {
        const { prediction } = result;
        const proposed = result.nbest?.map((each) => each.prediction) ?? (prediction === null ? [] : [prediction]);
        for (const text of proposed) found[k].texts.add(text);
        if (result.cut_off && prediction !== null) found[k].cutOff.add(prediction);
        found[k].outOfMemory ||= result.out_of_memory ?? false;
      });
    }
    return found;
  }

  /**
   * @param {SourceText} source
   * @param {string} target
   */
  logConfidence(source, target) {
    return this.#pooled(this.#scores(source, [target], [this.temperature ?? 1]).map((scores) => scores[0][0]));
  }

  /**
   * The weighted mean of log-probabilities, over the models that have one.
   *
   * @param {readonly number[]} logs
   */
  #mean(logs) {
    let [sum, total] = [0, 0];
    logs.forEach((log, m) => {
      if (log === -Infinity) return;
      sum += this.weights[m] * log;
      total += this.weights[m];
    });
    return total > 0 ? sum / total : -Infinity;
  }

  /**
   * The logarithm of the weighted mean of probabilities.
   *
   * @param {readonly number[]} logs
   */
  #pooled(logs) {
    const total = this.weights.reduce((sum, each) => sum + each, 0);
    const largest = Math.max(...logs);
    if (largest === -Infinity) return -Infinity;
    const scaled = logs.reduce((sum, log, m) => sum + this.weights[m] * Math.exp(log - largest), 0);
    return largest + Math.log(scaled / total);
  }
}
