/** A learned edit distance, which aligns sources with targets: the most probable edits that turn one into the other. */

/** @import { Weights } from "./types.js" */

export const INSERT = 0;
export const DELETE = 1;
export const MATCH = 2;

const TOLERANCE = 1e-9; // nats: the same numbers, added in another order, are equal
const MAX_LATTICE = 2 ** 20; // cells of a pair, as of two strings of 700 symbols

/**
 * @typedef {object} Pair  ids of a pair
 * @property {readonly number[]} source
 * @property {readonly number[]} target
 * @property {readonly number[]} copies  for each source symbol the id of the same target symbol, negative if none is
 */

/** Log-probabilities of edits. Rare symbols of one side share a class. */
export class EditDistance {
  /**
   * @param {Weights} arrays  source_classes, target_classes: class of each id; copy, substitute, delete, insert:
   *   log-probabilities in nats of classes
   * @param {number | null} unknown  id of the unknown symbol among the source symbols
   */
  constructor(arrays, unknown) {
    const { source_classes, target_classes, copy, substitute } = arrays;
    this.sourceClasses = source_classes;
    this.targetClasses = target_classes;
    this.copies = Float64Array.from(copy);
    this.substitutions = substitute;
    this.deletions = arrays.delete;
    this.insertions = arrays.insert;
    this.#setUnknown(unknown);
  }

  /**
   * Copies of unknown symbols have the mean probability of a copy, unless they share their class with others.
   *
   * @param {number | null} unknown
   */
  #setUnknown(unknown) {
    if (unknown === null) return;
    const own = this.sourceClasses[unknown];
    if (this.sourceClasses.filter((each) => each === own).length > 1) return;
    const total = this.copies.reduce((sum, log) => sum + Math.exp(log), 0);
    this.copies[own] = Math.log(total / this.copies.length);
  }

  /**
   * Log-probability of inserting a target symbol. Those above the vocabulary can only be copied.
   *
   * @param {number} id
   */
  insertion(id) {
    return id < this.targetClasses.length ? this.insertions[this.targetClasses[id]] : -Infinity;
  }

  /**
   * Log-probability of a match of a source symbol with a target symbol.
   *
   * @param {number} source
   * @param {number} target
   * @param {number} copy  id of the target symbol that equals the source symbol
   */
  match(source, target, copy) {
    const own = this.sourceClasses[source];
    if (copy === target) return this.copies[own];
    if (target >= this.targetClasses.length) return -Infinity;
    return this.substitutions[own * this.insertions.length + this.targetClasses[target]];
  }

  /**
   * The kinds of the edits of a pair, from the first to the last. Very long strings are aligned position by position.
   * If a pair has no sequence of edits, the result writes a symbol that can only be copied in another way.
   *
   * @param {Pair} pair
   * @returns {number[]}
   */
  align(pair) {
    const [S, T] = [pair.source.length, pair.target.length];
    if ((S + 1) * (S + T + 1) > MAX_LATTICE) return this.#positionByPosition(pair);
    const kinds = this.#bestKinds(pair);
    const edits = [];
    for (let [i, j] = [S, T]; i > 0 || j > 0; ) {
      const kind = kinds[i * (T + 1) + j];
      edits.push(kind);
      if (kind !== INSERT) i--;
      if (kind !== DELETE) j--;
    }
    return edits.reverse();
  }

  /**
   * The last edit of the most probable way to each cell (i, j): i source symbols read and j target symbols written.
   * Among equally probable ones, it is an insertion, or else a deletion.
   *
   * @param {Pair} pair
   */
  #bestKinds({ source, target, copies }) {
    const [S, width] = [source.length, target.length + 1];
    const inserted = target.map((id) => this.insertion(id));
    const kinds = new Uint8Array((S + 1) * width);
    const best = new Float64Array((S + 1) * width).fill(-Infinity);
    best[0] = 0;
    for (let at = 1; at < best.length; at++) {
      const [i, j] = [Math.floor(at / width), at % width];
      const consider = (/** @type {number} */ kind, /** @type {number} */ log) => {
        if (log > best[at] + TOLERANCE) [best[at], kinds[at]] = [log, kind];
      };
      if (j) consider(INSERT, best[at - 1] + inserted[j - 1]);
      if (i) consider(DELETE, best[at - width] + this.deletions[this.sourceClasses[source[i - 1]]]);
      if (i && j) consider(MATCH, best[at - width - 1] + this.match(source[i - 1], target[j - 1], copies[i - 1]));
    }
    return kinds;
  }

  /**
   * Match symbols at the same distance from an anchor, where source and target are matched, and insert or delete the
   * rest. Anchors are the first possible copies of the target symbols that can only be copied.
   *
   * @param {Pair} pair
   */
  #positionByPosition({ source, target, copies }) {
    /** @type {number[]} */
    const edits = [];
    let [i, j] = [0, 0];
    const matchUpTo = (/** @type {number} */ nextI, /** @type {number} */ nextJ) => {
      const [S, T] = [nextI - i, nextJ - j];
      const add = (/** @type {number} */ kind, /** @type {number} */ count) => {
        for (let k = 0; k < count; k++) edits.push(kind);
      };
      add(MATCH, Math.min(S, T));
      add(DELETE, S - T);
      add(INSERT, T - S);
      [i, j] = [nextI, nextJ];
    };
    for (const [at, id] of target.entries()) {
      if (this.insertion(id) !== -Infinity) continue;
      const anchor = copies.indexOf(id, i);
      if (anchor < 0) break;
      matchUpTo(anchor, at);
      edits.push(MATCH);
      [i, j] = [anchor + 1, at + 1];
    }
    matchUpTo(source.length, target.length);
    return edits;
  }
}
