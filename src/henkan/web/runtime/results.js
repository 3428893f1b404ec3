/** Results of texts that a model has converted. */

import { probability } from "./confidence.js";
import { reasonToAbstain, withoutEmpty } from "./conversion.js";

/** @import { Candidate, Result } from "../types.js" */
/** @import { ConvertSettings } from "./conversion.js" */
/** @import { SourceText } from "./source_reader.js" */

/**
 * @typedef {object} Ranked  one of several predictions for a text
 * @property {string} text
 * @property {number} logProbability  in nats
 * @property {number} calibrated  log-probability at the calibration temperature, if confidences are computed
 */

/**
 * The best different predictions; copies may make two hypotheses the same.
 *
 * @param {SourceText} source
 * @param {readonly Ranked[]} ranked  best first
 * @param {ConvertSettings} settings
 * @returns {Candidate[]}
 */
export function candidates(source, ranked, { nbest, mass }) {
  /** @type {Map<string, Candidate>} */
  const several = new Map();
  let total = 0;
  for (const { text, logProbability, calibrated } of ranked) {
    if (several.size === nbest && !several.has(text)) break;
    if (!several.has(text)) several.set(text, { prediction: text, log_probability: logProbability });
    if (mass !== null && !source.outside.size) { // outside, the probabilities are too high
      total += probability(calibrated);
      if (total >= mass) break;
    }
  }
  return [...several.values()];
}

/**
 * The result of a text with a prediction, or of one for which the model abstains.
 *
 * @param {SourceText} source
 * @param {Ranked} best
 * @param {{confidence: number | null, nbest: Candidate[], cutOff: boolean}} more
 * @param {ConvertSettings} settings
 * @returns {Result}
 */
export function predictionResult({ text, unknown, outside }, best, { confidence, nbest, cutOff }, settings) {
  const reason = reasonToAbstain(settings, confidence);
  const abstained = reason !== null;
  return withoutEmpty({
    source: text,
    prediction: abstained ? null : best.text,
    log_probability: abstained ? null : best.logProbability,
    confidence,
    reason: reason ?? "",
    abstained,
    cut_off: cutOff,
    unknown,
    outside: [...outside.keys()],
    nbest: abstained ? [] : nbest,
  });
}
