/** The target codec of the encoder-decoder: it predicts target symbols, and the boundary symbol as the end. */

import { BOUNDARY } from "./vocabulary.js";

/** @import { Vocabulary } from "./vocabulary.js" */

/**
 * Converts targets to the symbols that an architecture predicts, and back.
 *
 * @typedef {object} Codec
 * @property {number} size  number of distinct symbols that can be predicted
 * @property {number} start  the decoder's input at the first step
 * @property {number | null} end  the symbol that ends an output; null for a fixed length
 * @property {boolean} reverse  whether targets are predicted from the last symbol to the first
 * @property {boolean} fixedLength  whether every output has exactly `maxSteps` symbols and no end symbol
 * @property {readonly number[]} forbidden  symbols that a search must never choose
 * @property {boolean} ambiguous  whether different outputs may be the same target
 * @property {(source: readonly number[], target: readonly number[], copyIds: readonly number[]) => number[] | null}
 *   encode  the symbols to predict for a target, including the end symbol; null if it cannot be written
 * @property {(source: readonly number[], symbols: readonly number[]) => number[]} decode  ids in the target vocabulary;
 *   V + p, where V is the size of the vocabulary, is a copy of the source symbol at position p
 * @property {(source: readonly number[], symbols: readonly number[], copyIds: readonly number[]) => readonly number[]}
 *   canonical  the output that `encode` gives for the target of a complete output
 * @property {(source: readonly number[], symbols: readonly number[]) => number[] | null} pointer  the position in the
 *   source that each step edits, its length after the last symbol; null without a pointer
 * @property {(source: readonly number[], symbol: number, position: number) => number} written  the id that a symbol
 *   writes at a position of the pointer; 0 for nothing
 * @property {(symbol: number) => string} action  kind of an edit action, such as "copy"; "" if symbols are not actions
 * @property {(sourceSteps: number) => number} maxSteps  maximum number of decoding steps
 */

/** See `Codec`. */
export class PlainTargets {
  start = BOUNDARY;
  ambiguous = false;

  /**
   * @param {Vocabulary} vocabulary  of the targets
   * @param {boolean} reverse  whether targets are predicted from the last symbol to the first
   */
  constructor(vocabulary, reverse) {
    this.vocabulary = vocabulary;
    this.reverse = reverse;
    this.size = vocabulary.size;
    this.fixedLength = vocabulary.width !== null;
    this.end = this.fixedLength ? null : BOUNDARY;
    /** @type {number[]} */
    this.forbidden = this.fixedLength ? [BOUNDARY] : [];
  }

  /**
   * @param {readonly number[]} _source
   * @param {readonly number[]} target
   */
  encode(_source, target) {
    const symbols = this.reverse ? target.toReversed() : [...target];
    return this.fixedLength ? symbols : [...symbols, BOUNDARY];
  }

  /**
   * @param {readonly number[]} _source
   * @param {readonly number[]} symbols
   */
  decode(_source, symbols) {
    const written = symbols.at(-1) === BOUNDARY ? symbols.slice(0, -1) : [...symbols];
    return this.reverse ? written.toReversed() : written;
  }

  /**
   * A target has only one output.
   *
   * @param {readonly number[]} _source
   * @param {readonly number[]} symbols
   */
  canonical(_source, symbols) {
    return symbols;
  }

  /** @returns {null} */
  pointer() {
    return null;
  }

  /**
   * @param {readonly number[]} _source
   * @param {number} symbol
   */
  written(_source, symbol) {
    return symbol;
  }

  action() {
    return "";
  }

  /** Twice the steps of the longest training target, including the end symbol; the width if strings are padded. */
  maxSteps() {
    return this.vocabulary.width ?? 2 * (this.vocabulary.longest + 1);
  }
}
