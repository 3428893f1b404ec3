/** In which ways a source is outside the training data. */

import { strip } from "./strings.js";

export const LONGER = "longer than in training";
export const LONGER_NUMBER = "longer number than in training";
export const SYMBOLS = "symbols not in training";
export const TAGS = "tags not in training";
export const COMBINATION = "tag combination not in training";
export const NO_TAGS = "no tags";

/**
 * @typedef {object} TrainingRangeData  what the training sources contained, as in vocabulary.json
 * @property {number} longest  number of symbols of the longest source, without tags
 * @property {number} digits  number of digits in the longest number
 * @property {boolean} blank  whether there were sources without symbols other than whitespace and tags
 * @property {string[] | null} tag_sets  the combinations of feature tags, each sorted and joined by tabs
 */

/** What the training sources contained, in addition to the symbols, which are in the vocabulary. */
export class TrainingRange {
  /** @param {TrainingRangeData} data */
  constructor({ longest, digits, blank, tag_sets }) {
    this.longest = longest;
    this.digits = digits;
    this.blank = blank;
    this.tagSets = tag_sets && new Set(tag_sets.map((tags) => setKey(tags ? tags.split("\t") : [])));
  }

  /**
   * Whether a text, without its tags, has only whitespace although no training source was like that.
   *
   * @param {string} text
   */
  isBlank(text) {
    return !this.blank && strip(text) === "";
  }

  /**
   * In which ways a source is outside the training data.
   *
   * @param {string} text  the source, without its tags
   * @param {number} length  its number of symbols, without tags
   * @param {readonly string[]} unknown  names of its unknown symbols and tags
   * @param {readonly string[] | null} tags  its tags; null if the model reads no tags
   * @returns {Map<string, number>}  kind -> how far: the relative excess of a length, the number of other unknown
   *   symbols or tags, otherwise 0
   */
  outside(text, length, unknown, tags) {
    const found = new Map();
    if (length > this.longest) found.set(LONGER, length / Math.max(1, this.longest) - 1);
    const number = longestNumber(text);
    if (number > this.digits) found.set(LONGER_NUMBER, number / Math.max(1, this.digits) - 1);
    const unknownTags = unknown.filter((name) => name.startsWith("feature ")).length;
    if (unknown.length > unknownTags) found.set(SYMBOLS, unknown.length - unknownTags - 1);
    if (unknownTags) found.set(TAGS, unknownTags - 1);
    if (tags && this.tagSets && !unknownTags && !this.tagSets.has(setKey(tags))) {
      found.set(tags.length ? COMBINATION : NO_TAGS, 0);
    }
    return found;
  }
}

/**
 * The number of digits in the longest number.
 *
 * @param {string} text
 */
function longestNumber(text) {
  const numbers = text.match(/\p{Nd}+/gu) ?? [];
  return numbers.reduce((longest, digits) => Math.max(longest, Array.from(digits).length), 0);
}

/** @param {readonly string[]} tags */
function setKey(tags) {
  return [...new Set(tags)].sort().join("\t");
}
