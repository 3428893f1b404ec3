/** Splits strings into symbols, and joins symbols to strings. */

import { byCodePoints, partition, strip } from "./strings.js";

/** Separates the text of a source from its feature tags, and is the first character of every symbol for a tag. */
export const TAG = "\t";

/** @typedef {"none" | "NFC" | "NFD" | "NFKC" | "NFKD"} Normalization */

/**
 * @typedef {object} TokenizerSettings
 * @property {string} unit  "characters" (code points), "graphemes", or the separator between symbols
 * @property {Normalization} normalization  Unicode form, applied before splitting
 * @property {"keep" | "lower" | "upper"} case  letters are converted to this case before splitting
 * @property {boolean} features  whether a tab and feature tags may follow the text: `walk TAB V;PST`
 * @property {string} tag_separator  between feature tags
 * @property {boolean} sort_tags  whether tags are sorted, without repeated ones and without whitespace around them
 */

const GRAPHEMES = new Intl.Segmenter("und", { granularity: "grapheme" });

/** The tokenizer of the sources or of the targets. */
export class Tokenizer {
  /** @param {TokenizerSettings} settings */
  constructor(settings) {
    this.settings = settings;
    /** The separator between symbols, or null for characters and graphemes. */
    this.separator = settings.unit === "characters" || settings.unit === "graphemes" ? null : settings.unit;
  }

  /**
   * The text of a source, without its feature tags.
   *
   * @param {string} string
   */
  text(string) {
    return this.settings.features ? partition(string, TAG)[0] : string;
  }

  /**
   * The feature tags of a source, in the order in which they are read.
   *
   * @param {string} string
   */
  tags(string) {
    const { features, tag_separator, sort_tags } = this.settings;
    if (!features) return [];
    const tags = partition(string, TAG)[2].split(tag_separator);
    const read = sort_tags ? [...new Set(tags.map(strip))].sort(byCodePoints) : tags;
    return read.filter((tag) => tag !== "");
  }

  /**
   * The form of a source that is the same for all sources that are read alike.
   *
   * @param {string} string
   */
  normalize(string) {
    const { features, tag_separator, sort_tags } = this.settings;
    let [text, tab, tags] = features ? partition(string, TAG) : [string, "", ""];
    if (sort_tags) {
      tags = this.tags(string).join(tag_separator);
      tab = tags ? TAG : "";
    }
    text = this.#converted(text);
    if (this.separator !== null) text = this.#split(text).join(this.separator);
    return text + tab + tags;
  }

  /**
   * Split a string into symbols; feature tags come first.
   *
   * @param {string} string
   * @returns {string[]}
   */
  tokenize(string) {
    const symbols = this.#split(this.#converted(this.text(string)));
    return this.settings.features ? [...this.tags(string).map((tag) => TAG + tag), ...symbols] : symbols;
  }

  /** @param {string} text */
  #converted(text) {
    const { normalization, case: letters } = this.settings;
    if (normalization !== "none") text = text.normalize(normalization);
    if (letters === "keep") return text;
    text = letters === "lower" ? text.toLowerCase() : text.toUpperCase();
    // A letter in another case may be in another form.
    return normalization === "none" ? text : text.normalize(normalization);
  }

  /**
   * @param {string} text
   * @returns {string[]}
   */
  #split(text) {
    if (this.separator !== null) return text.split(this.separator).filter((symbol) => symbol !== "");
    if (this.settings.unit === "graphemes") return Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
    return Array.from(text);
  }

  /**
   * Join symbols into a normalized string. Feature tags, which come first, follow the text and a tab.
   *
   * @param {readonly string[]} symbols
   */
  join(symbols) {
    const tags = symbols.filter((symbol) => this.isTag(symbol)).map((symbol) => symbol.slice(TAG.length));
    const text = symbols.filter((symbol) => !this.isTag(symbol)).join(this.separator ?? "");
    const { normalization, tag_separator } = this.settings;
    const normalized = normalization === "none" ? text : text.normalize(normalization);
    return normalized + (tags.length ? TAG + tags.join(tag_separator) : "");
  }

  /**
   * Whether a symbol is a feature tag.
   *
   * @param {string} symbol
   */
  isTag(symbol) {
    return this.settings.features && symbol.startsWith(TAG) && symbol.length > 1;
  }

  /**
   * Whether a string is a possible symbol.
   *
   * @param {string} symbol
   */
  isSymbol(symbol) {
    if (symbol === "") return false;
    if (this.isTag(symbol)) return !symbol.includes(this.settings.tag_separator);
    if (this.separator !== null) return !symbol.includes(this.separator);
    return this.settings.unit === "graphemes" || Array.from(symbol).length === 1;
  }
}
