/** The confidence of a prediction: its calibrated probability, corrected for sources outside the training data. */

import { TrainingRange } from "./training_range.js";

/** An estimate below this also holds further outside, or outside in other ways, where accuracy can only be lower. */
const NEGLIGIBLE = 0.1;

const LOGIT_LIMIT = 9;

/**
 * @typedef {object} CorrectionData  a logistic regression of correctness on confidence and distance
 * @property {number} slope  coefficient of the logit of the confidence
 * @property {number} intercept
 * @property {number} decline  coefficient of the distance from the training data, at most 0
 * @property {number} reach  largest distance in the predictions that it was fitted to
 * @property {number} highest  highest confidence of these predictions
 */

/**
 * The probability of a prediction.
 *
 * @param {number} logProbability  in nats, at the calibration temperature
 */
export function probability(logProbability) {
  return Math.exp(Math.min(logProbability, 0));
}

/** @param {number} p */
function logit(p) {
  const limit = 1 / (1 + Math.exp(LOGIT_LIMIT));
  const clipped = Math.min(Math.max(p, limit), 1 - limit);
  return Math.log(clipped / (1 - clipped));
}

/**
 * A corrected confidence, never above the given one; null if nothing supports an estimate.
 *
 * @param {CorrectionData} correction
 * @param {number} confidence  as for a source inside the training data
 * @param {number} distance  of the source from the training data
 */
function corrected({ slope, intercept, decline, reach, highest }, confidence, distance) {
  const score = slope * logit(Math.min(confidence, highest)) + intercept + decline * distance;
  const lower = Math.min(confidence, 1 / (1 + Math.exp(-Math.max(score, -500))));
  return distance <= reach || decline < 0 || lower < NEGLIGIBLE ? lower : null;
}

/** What a model was trained on, and how accurate it is outside. */
export class TrainingDomain {
  /**
   * @param {TrainingRange} range
   * @param {Record<string, CorrectionData>} corrections  kind of being outside -> correction
   */
  constructor(range, corrections) {
    this.range = range;
    this.corrections = corrections;
  }

  /**
   * The confidence of a prediction for a source outside the training data: the lowest of the corrected ones; null if
   * nothing supports one of them.
   *
   * @param {number} confidence  as for a source inside the training data
   * @param {ReadonlyMap<string, number>} outside  kind -> distance
   * @returns {number | null}
   */
  confidence(confidence, outside) {
    const each = [...outside].map(([kind, distance]) => {
      const correction = this.corrections[kind];
      return correction ? corrected(correction, confidence, distance) : null;
    });
    const lowest = Math.min(confidence, ...each.filter((one) => one !== null));
    return each.includes(null) && lowest >= NEGLIGIBLE ? null : lowest;
  }
}
