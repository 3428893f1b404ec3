/** The mapping between symbols and ids. */

import { quoted } from "./strings.js";
import { TAG, Tokenizer } from "./tokenizer.js";

/** @import { TokenizerSettings } from "./tokenizer.js" */

/** Target id that marks the beginning and the end of a target. */
export const BOUNDARY = 0;

/** Source id of all symbols that are not in the vocabulary, if it has the unknown symbol. */
export const UNKNOWN = 0;

/** What strings are padded with to a fixed length. */
export const FILLER = " ";

const PADDING = new RegExp(`${FILLER}+$`, "u");

/**
 * @typedef {object} VocabularyData  as in vocabulary.json
 * @property {TokenizerSettings} cut
 * @property {string[]} specials  ["boundary"], ["unknown"] or []: what id 0 is
 * @property {string[]} symbols
 * @property {number} longest  length of the longest string of the training pairs
 * @property {number | null} width  length to which strings are padded
 */

/** Why a model cannot read a source or write a target. */
export class UnanswerableError extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** The symbols of one side of the pairs. */
export class Vocabulary {
  #ids;

  /** @param {VocabularyData} data */
  constructor({ cut, specials, symbols, longest, width }) {
    this.tokenizer = new Tokenizer(cut);
    this.longest = longest;
    this.width = width;
    /** Whether id 0 is the unknown symbol. */
    this.unknown = specials.includes("unknown");
    /** The symbol of each id; "" for the boundary and the unknown symbol. */
    this.symbolsById = [...(specials.length ? [""] : []), ...symbols];
    this.#ids = new Map(this.symbolsById.map((symbol, id) => [symbol, id]));
    if (specials.length) this.#ids.delete("");
  }

  /** Number of ids. */
  get size() {
    return this.symbolsById.length;
  }

  /** For each id, whether it is a feature tag. */
  get tagMask() {
    return this.symbolsById.map((symbol) => this.tokenizer.isTag(symbol));
  }

  /**
   * The id of a symbol, or -1.
   *
   * @param {string} symbol
   */
  idOf(symbol) {
    return this.#ids.get(symbol) ?? -1;
  }

  /**
   * Whether a symbol is in the vocabulary.
   *
   * @param {string} symbol
   */
  knows(symbol) {
    return this.#ids.has(symbol);
  }

  /**
   * Encode a string as ids, without the boundary.
   *
   * @param {string} string
   * @param {object} [options]
   * @param {boolean} [options.useUnknown]  encode symbols outside the vocabulary as the unknown symbol, if there is one
   * @param {ReadonlyMap<string, number>} [options.others]  ids of symbols outside the vocabulary
   * @throws {UnanswerableError} for a symbol outside the vocabulary, or a string longer than the width
   */
  encode(string, { useUnknown = false, others } = {}) {
    const symbols = this.tokenizer.tokenize(string);
    if (this.width !== null) {
      if (symbols.length > this.width) {
        throw new UnanswerableError(`${symbols.length} symbols (this model reads at most ${this.width})`);
      }
      while (symbols.length < this.width) symbols.push(FILLER);
    }
    return symbols.map((symbol) => {
      const id = this.#ids.get(symbol) ?? others?.get(symbol);
      if (id !== undefined) return id;
      if (useUnknown && this.unknown) return UNKNOWN;
      throw new UnanswerableError(`unknown ${this.unknownSymbols(string, others)[0]}`);
    });
  }

  /**
   * The symbols of a string that are not in the vocabulary, as `symbol 'x'` or `feature 'PST'`.
   *
   * @param {string} string
   * @param {ReadonlyMap<string, number>} [others]  further symbols that count as known
   */
  unknownSymbols(string, others) {
    const unknown = [...new Set(this.tokenizer.tokenize(string))].filter(
      (symbol) => !this.#ids.has(symbol) && !others?.has(symbol),
    );
    return unknown.map((symbol) => {
      const feature = symbol.startsWith(TAG) && symbol.length > 1;
      return feature ? `feature ${quoted(symbol.slice(1))}` : `symbol ${quoted(symbol)}`;
    });
  }

  /**
   * Join symbols into a string, without padding.
   *
   * @param {readonly string[]} symbols
   */
  join(symbols) {
    const string = this.tokenizer.join(symbols);
    return this.width === null ? string : string.replace(PADDING, "");
  }

  /**
   * The symbols of ids, without boundaries.
   *
   * @param {readonly number[]} ids
   */
  symbolsOf(ids) {
    return ids.map((id) => this.symbolsById[id]).filter((symbol) => symbol !== "");
  }
}
