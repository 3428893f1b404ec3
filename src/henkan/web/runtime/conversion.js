/** Options of a conversion, and its results. */

/** @import { Candidate, ConvertOptions, Result } from "../types.js" */
/** @import { Lexicon } from "./lexicon.js" */

/** Largest beam width. */
const MAX_BEAM = 1000;

/**
 * @typedef {"use" | "copy" | "skip" | "error"} Unknown  what to do with a text with symbols that were not in training.
 *   "use": replace them by the unknown symbol. "copy": in addition, copy an unknown symbol to the prediction where it
 *   has the largest attention weight. "skip" and "error": do not convert the text.
 *
 * @typedef {object} ConvertSettings
 * @property {number} beam  beam width; 1 is greedy search
 * @property {number} nbest  number of predictions for each text, at most `beam`
 * @property {boolean} confidence  whether to compute confidences
 * @property {number | null} abstain_below  give no prediction whose confidence is lower or unknown
 * @property {boolean} abstain_outside  give no prediction for sources outside the training data
 * @property {number | null} mass  stop the list of predictions as soon as their calibrated probabilities add up to this
 * @property {Unknown} unknown
 * @property {Lexicon | null} lexicon  where texts are looked up first
 */

/** An option that is out of range, or that the model does not support. */
export class SettingsError extends Error {
  /**
   * @param {string} message
   * @param {string} argument  the option
   */
  constructor(message, argument) {
    super(message);
    this.argument = argument;
  }
}

/** @type {ConvertSettings} */
const DEFAULTS = {
  beam: 1,
  nbest: 1,
  confidence: false,
  abstain_below: null,
  abstain_outside: false,
  mass: null,
  unknown: "use",
  lexicon: null,
};

/**
 * Options with their defaults.
 *
 * @param {Partial<ConvertSettings>} options
 * @returns {ConvertSettings}
 * @throws {SettingsError} if one is out of range
 */
export function checkedSettings(options) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings = { ...DEFAULTS, ...Object.fromEntries(given) };
  checkInteger(settings.beam, "beam", MAX_BEAM, `${MAX_BEAM}`);
  checkInteger(settings.nbest, "nbest", settings.beam, `the beam width, which is ${settings.beam}`);
  checkProbability(settings.abstain_below, "abstain_below");
  checkProbability(settings.mass, "mass");
  if (settings.mass !== null && settings.nbest === 1) {
    throw new SettingsError("mass needs several predictions for each text, but nbest is 1", "mass");
  }
  return settings;
}

/**
 * @param {number} value
 * @param {string} name
 * @param {number} largest
 * @param {string} described  the largest value
 */
function checkInteger(value, name, largest, described) {
  if (Number.isInteger(value) && value >= 1 && value <= largest) return;
  throw new SettingsError(`${name} must be a whole number from 1 to ${described}, not ${value}`, name);
}

/**
 * @param {number | null} value
 * @param {string} name
 */
function checkProbability(value, name) {
  if (value === null || (value >= 0 && value <= 1)) return;
  throw new SettingsError(`${name} must be a probability from 0 to 1, not ${value}`, name);
}

/**
 * Whether confidences must be computed.
 *
 * @param {ConvertSettings} settings
 */
export function needsConfidence({ confidence, abstain_below, mass }) {
  return confidence || abstain_below !== null || mass !== null;
}

/**
 * Why there is no prediction for a source with this confidence; null if there is one.
 *
 * @param {ConvertSettings} settings
 * @param {number | null} confidence
 */
export function reasonToAbstain({ abstain_below }, confidence) {
  if (abstain_below === null || (confidence !== null && confidence >= abstain_below)) return null;
  if (confidence === null) return "its confidence cannot be estimated";
  return `its confidence ${confidence.toFixed(3)} is below ${Number(abstain_below.toPrecision(6))}`;
}

/**
 * A result without the fields that do not apply.
 *
 * @param {Result} fields
 * @returns {Result}
 */
export function withoutEmpty(fields) {
  const { source, prediction, log_probability, confidence, ...others } = fields;
  const apply = Object.entries(others).filter(([, value]) => (Array.isArray(value) ? value.length : value));
  return { source, prediction, log_probability, confidence, ...Object.fromEntries(apply) };
}

/**
 * The result of a text that has no prediction.
 *
 * @param {string} source
 * @param {string} reason
 * @param {Partial<Result>} more
 * @returns {Result}
 */
export function withoutPrediction(source, reason, more) {
  return withoutEmpty({ source, prediction: null, log_probability: null, confidence: null, reason, ...more });
}

/**
 * The result of a text that is in a lexicon.
 *
 * @param {string} source
 * @param {string[]} targets
 * @param {ConvertSettings} settings
 * @returns {Result}
 */
export function resultOfLexicon(source, targets, { nbest }) {
  /** @type {Candidate[]} */
  const all = targets.map((prediction) => ({ prediction, log_probability: null }));
  const found = { source, prediction: targets[0], log_probability: null, confidence: null, origin: "lexicon" };
  return withoutEmpty({ ...found, nbest: nbest > 1 ? all : [] });
}
