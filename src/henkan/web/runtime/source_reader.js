/** Reads source texts: their ids, their unknown symbols, and in which ways they are outside the training data. */

import { withoutPrediction } from "./conversion.js";
import { copyIds } from "./copy_ids.js";
import { FILLER, UNKNOWN, UnanswerableError, Vocabulary } from "./vocabulary.js";

/** @import { TrainingRange } from "./training_range.js" */
/** @import { ConvertSettings } from "./conversion.js" */
/** @import { Result } from "../types.js" */

/**
 * @typedef {object} SourceText  a text and what the model reads
 * @property {string} text
 * @property {string[]} symbols  feature tags first, and padding
 * @property {number[]} ids
 * @property {number[]} copyIds  see copy_ids.js
 * @property {string[]} unknown  names of its unknown symbols
 * @property {ReadonlyMap<string, number>} outside  in which ways it is outside the training data, and how far
 */

/** Reads source texts. */
export class SourceReader {
  /**
   * @param {Vocabulary} source
   * @param {Vocabulary} target
   * @param {TrainingRange | null} range  what the training sources contained
   */
  constructor(source, target, range) {
    this.source = source;
    this.target = target;
    this.range = range;
  }

  /**
   * Read a text.
   *
   * @param {string} text
   * @param {object} [options]
   * @param {boolean} [options.useUnknown]  read symbols outside the vocabulary as the unknown symbol, if there is one
   * @returns {SourceText}
   * @throws {UnanswerableError} if the model cannot read it
   */
  read(text, { useUnknown = true } = {}) {
    const { tokenizer, unknown: hasUnknown } = this.source;
    const ids = this.source.encode(text, { useUnknown });
    const symbols = tokenizer.tokenize(text);
    while (symbols.length < ids.length) symbols.push(FILLER);
    const unknown = hasUnknown && ids.includes(UNKNOWN) ? this.source.unknownSymbols(text) : [];
    const tags = tokenizer.settings.features ? tokenizer.tags(text) : null;
    const length = ids.length - (tags?.length ?? 0);
    const outside = this.range?.outside(tokenizer.text(text), length, unknown, tags) ?? new Map();
    return { text, symbols, ids, copyIds: copyIds(symbols, tokenizer, this.target), unknown, outside };
  }

  /**
   * Read a text; null if the model cannot read it.
   *
   * @param {string} text
   */
  readIfPossible(text) {
    try {
      return this.read(text);
    } catch (error) {
      if (error instanceof UnanswerableError) return null;
      throw error;
    }
  }

  /**
   * Read a text for a conversion.
   *
   * @param {string} text
   * @param {ConvertSettings} settings
   * @returns {{source: SourceText} | {result: Result}}  or why it is not converted
   */
  readForConversion(text, { unknown, abstain_outside }) {
    let source;
    try {
      source = this.read(text, { useUnknown: unknown === "use" || unknown === "copy" });
    } catch (error) {
      if (!(error instanceof UnanswerableError)) throw error;
      return { result: withoutPrediction(text, error.reason, { unknown: this.source.unknownSymbols(text) }) };
    }
    if (this.range?.isBlank(this.source.tokenizer.text(text))) {
      return { result: withoutPrediction(text, "it is empty or has only whitespace", { blank: true }) };
    }
    const outside = [...source.outside.keys()];
    if (outside.length && abstain_outside) {
      const reason = `it is outside the training data (${outside.join(", ")})`;
      return { result: withoutPrediction(text, reason, { abstained: true, unknown: source.unknown, outside }) };
    }
    return { source };
  }
}
