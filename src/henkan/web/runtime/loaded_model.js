/** A model that is ready to convert texts. */

import { TrainingDomain } from "./confidence.js";
import { Converter } from "./converter.js";
import { EditActions } from "./edit_actions.js";
import { Ensemble } from "./ensemble.js";
import { explain } from "./explanation.js";
import { Lexicon } from "./lexicon.js";
import { Mixture } from "./mixture.js";
import { decodeModel } from "./model_file.js";
import { PlainTargets } from "./plain_targets.js";
import { Predictor } from "./predictor.js";
import { TrainingRange } from "./training_range.js";

/** @import { Explanation, Result } from "../types.js" */
/** @import { ConvertSettings } from "./conversion.js" */
/** @import { ExplainOptions } from "./explanation.js" */
/** @import { ModelData, SavedModel, Variant } from "./model_file.js" */
/** @import { Codec } from "./plain_targets.js" */
/** @import { Backend } from "./types.js" */

/** A model that is ready to convert texts, with its lexicon. */
export class LoadedModel {
  /**
   * @param {ModelData} data
   * @param {Backend} backend
   */
  constructor(data, backend) {
    const saved = decodeModel(data, backend.keep);
    this.converter = converterOf(saved, backend);
    const { tokenizer } = this.converter.source;
    /** @type {Lexicon | null} */
    this.lexicon = saved.lexicon.length ? new Lexicon(saved.lexicon, (source) => tokenizer.normalize(source)) : null;
  }

  /**
   * Convert texts, with the fields of `henkan predict --json`. Texts in the stored lexicon are answered from it.
   *
   * @param {readonly string[]} texts
   * @param {Partial<ConvertSettings>} [options]
   * @returns {Result[]}
   */
  convert(texts, options = {}) {
    return this.converter.convert(texts, { lexicon: this.lexicon, ...options });
  }

  /**
   * Explain a prediction of the model, with the fields of `henkan explain --json`.
   *
   * @param {string} text
   * @param {ExplainOptions} [options]
   * @returns {Explanation}
   */
  explain(text, options = {}) {
    return explain(this.converter, text, options);
  }
}

/**
 * @param {SavedModel} saved
 * @param {Backend} backend
 */
function converterOf({ variants, temperature, range, corrections }, backend) {
  const domain = range && new TrainingDomain(new TrainingRange(range), corrections);
  const mixed = variants.length > 1;
  const converters = variants.map((variant) => {
    const members = variant.members.map((weights) => new Predictor(variant, weights, backend));
    const model = members.length > 1 ? new Ensemble(members) : members[0];
    const own = { source: variant.source, target: variant.target, codec: codecOf(variant), domain };
    return new Converter({ model, ...own, temperature: mixed ? null : temperature });
  });
  if (!mixed) return converters[0];
  return new Mixture(converters, variants.map(({ weight, members }) => weight * members.length), temperature);
}

/**
 * @param {Variant} variant
 * @returns {Codec}
 */
function codecOf({ settings, source, target, codec }) {
  const reverse = settings.target_reverse;
  return settings.architecture === "transducer"
    ? new EditActions(source, target, { reverse, arrays: codec })
    : new PlainTargets(target, reverse);
}
