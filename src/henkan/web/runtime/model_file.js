/** Reads a model: the JSON of `henkan.export.html.model_data`. */

import { decodeArray } from "./arrays.js";
import { Vocabulary } from "./vocabulary.js";

/** @import { ArrayData } from "./arrays.js" */
/** @import { CorrectionData } from "./confidence.js" */
/** @import { TrainingRangeData } from "./training_range.js" */
/** @import { ModelSettings, Weights } from "./types.js" */
/** @import { VocabularyData } from "./vocabulary.js" */

const FORMAT = "henkan-model-data";
const FORMAT_VERSION = 1;

/**
 * Settings of a model, named as in config.json.
 *
 * @typedef {ModelSettings & {architecture: string, target_reverse: boolean}} Settings
 *
 * @typedef {object} VariantData
 * @property {Settings} model
 * @property {VocabularyData} source
 * @property {VocabularyData} target
 * @property {number} weight
 * @property {Record<string, ArrayData>} codec
 * @property {Record<string, ArrayData>[]} members
 *
 * @typedef {object} ModelData
 * @property {string} format
 * @property {number} format_version
 * @property {VariantData[]} variants
 * @property {number | null} temperature
 * @property {TrainingRangeData | null} range
 * @property {Record<string, CorrectionData>} corrections
 * @property {[string, string][] | null} lexicon
 *
 * @typedef {object} Variant  models with the same settings and vocabularies, which differ in their weights
 * @property {Settings} settings
 * @property {Vocabulary} source
 * @property {Vocabulary} target
 * @property {number} weight  of each member in a mixed ensemble
 * @property {Weights} codec  what the target codec has learned
 * @property {Weights[]} members  the weights of each member
 *
 * @typedef {object} SavedModel
 * @property {Variant[]} variants  one, or several for a mixed ensemble
 * @property {number | null} temperature  of the calibration of the confidence
 * @property {TrainingRangeData | null} range  what the training sources contained
 * @property {Record<string, CorrectionData>} corrections  of the confidence outside the training data
 * @property {[string, string][]} lexicon  known sources with their targets
 */

/**
 * Read a model.
 *
 * @param {ModelData} data
 * @param {(size: number) => Float32Array} [allocate]  where weights are stored; see `Backend.keep`
 * @returns {SavedModel}
 * @throws {Error} if the data is not a model, or of a newer format
 */
export function decodeModel(data, allocate = (size) => new Float32Array(size)) {
  if (data.format !== FORMAT) throw new Error("this is not a model that henkan has written");
  if (data.format_version !== FORMAT_VERSION) {
    throw new Error(`the model has format ${data.format_version}; this page reads format ${FORMAT_VERSION}`);
  }
  const { temperature, range, corrections, lexicon } = data;
  const variants = data.variants.map((variant) => decodeVariant(variant, allocate));
  return { variants, temperature, range, corrections, lexicon: lexicon ?? [] };
}

/**
 * @param {VariantData} variant
 * @param {(size: number) => Float32Array} allocate
 * @returns {Variant}
 */
function decodeVariant({ model, source, target, weight, codec, members }, allocate) {
  return {
    settings: model,
    source: new Vocabulary(source),
    target: new Vocabulary(target),
    weight,
    codec: decodeArrays(codec, (size) => new Float32Array(size)),
    members: members.map((member) => decodeArrays(member, allocate)),
  };
}

/**
 * @param {Record<string, ArrayData>} arrays
 * @param {(size: number) => Float32Array} allocate
 * @returns {Weights}
 */
function decodeArrays(arrays, allocate) {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, decodeArray(array, allocate)]));
}
