/**
 * The target codec of the transducer: targets as edit actions. A pointer moves over the symbols of the source.
 *
 *     action        writes                       moves the pointer
 *     copy          the symbol at the pointer    yes
 *     substitute v  v                            yes
 *     insert v      v                            no
 *     delete        nothing                      yes
 *     end           nothing; ends the output     no
 *
 * After the last symbol, only insertions and the end are possible; before, everything but the end. Feature tags precede
 * the text, and the pointer does not visit them.
 *
 * Copying also writes symbols that the target vocabulary lacks, and unknown symbols of the source; see copy_ids.js.
 */

import { ACTIONS, ActionTable } from "./action_table.js";
import { IMPOSSIBLE, NEVER } from "./copy_ids.js";
import { DELETE, EditDistance, INSERT, MATCH } from "./edit_distance.js";
import { UNKNOWN } from "./vocabulary.js";

/** @import { Weights } from "./types.js" */
/** @import { Vocabulary } from "./vocabulary.js" */

/** See `Codec` in plain_targets.js. */
export class EditActions {
  start = ACTIONS.end;
  end = ACTIONS.end;
  fixedLength = false;
  ambiguous = true;
  /** @type {number[]} */
  forbidden = [];

  /**
   * @param {Vocabulary} source
   * @param {Vocabulary} target
   * @param {object} options
   * @param {boolean} options.reverse  whether source and target are edited from the last symbol to the first
   * @param {Weights} options.arrays  what was learned; see `EditDistance`
   */
  constructor(source, target, { reverse, arrays }) {
    this.target = target;
    this.reverse = reverse;
    this.actions = new ActionTable(target.size);
    this.size = this.actions.size;
    this.isTag = source.tagMask;
    this.same = source.symbolsById.map((symbol) => target.idOf(symbol));
    this.distance = new EditDistance(arrays, source.unknown ? UNKNOWN : null);
  }

  /**
   * Position of the first symbol of the text in the ids of a source, after its feature tags.
   *
   * @param {readonly number[]} source
   */
  textStart(source) {
    return source.findLastIndex((id) => this.isTag[id]) + 1;
  }

  /**
   * @param {readonly number[]} source
   * @param {readonly number[]} target
   * @param {readonly number[]} copyIds
   * @returns {number[] | null}
   */
  encode(source, target, copyIds) {
    const start = this.textStart(source);
    const [text, copies] = [source.slice(start), copyIds.slice(start)];
    const actions = [];
    let [i, j] = [0, 0];
    for (const kind of this.distance.align({ source: text, target, copies })) {
      const copied = kind === MATCH && copies[i] === target[j];
      if (kind !== DELETE && target[j] >= this.target.size && !copied) return null;
      actions.push(copied ? ACTIONS.copy : this.#action(kind, target[j]));
      if (kind !== INSERT) i++;
      if (kind !== DELETE) j++;
    }
    return [...(this.reverse ? actions.reverse() : actions), ACTIONS.end];
  }

  /**
   * @param {number} kind  of an edit
   * @param {number} symbol  that it writes
   */
  #action(kind, symbol) {
    if (kind === DELETE) return ACTIONS.delete;
    return kind === INSERT ? this.actions.insertion(symbol) : this.actions.substitution(symbol);
  }

  /**
   * @param {readonly number[]} source
   * @param {readonly number[]} symbols
   */
  decode(source, symbols) {
    const pointer = this.pointer(source, symbols);
    const written = symbols.map((action, step) => this.written(source, action, pointer[step])).filter((id) => id !== 0);
    return this.reverse ? written.reverse() : written;
  }

  /**
   * @param {readonly number[]} source
   * @param {number} action
   * @param {number} position
   */
  written(source, action, position) {
    if (action !== ACTIONS.copy || position >= source.length) return this.actions.writes(action);
    const same = this.same[source[position]];
    return same >= 0 ? same : this.target.size + position;
  }

  /**
   * @param {readonly number[]} source
   * @param {readonly number[]} symbols
   */
  pointer(source, symbols) {
    const [first, end] = [this.textStart(source), source.length];
    let moves = 0;
    return symbols.map((action) => {
      const at = first + moves < end ? (this.reverse ? end - 1 - moves : first + moves) : end;
      if (this.actions.moves(action)) moves++;
      return at;
    });
  }

  /**
   * The actions of the alignment. An output with copies that cannot be target symbols stays as it is.
   *
   * @param {readonly number[]} source
   * @param {readonly number[]} symbols
   * @param {readonly number[]} copyIds
   */
  canonical(source, symbols, copyIds) {
    const V = this.target.size;
    const target = [];
    for (const id of this.decode(source, symbols)) {
      const copied = id >= V ? copyIds[id - V] : id;
      if (copied !== NEVER) target.push(copied === IMPOSSIBLE ? id : copied);
    }
    return this.encode(source, target, copyIds) ?? symbols;
  }

  /** @param {number} symbol */
  action(symbol) {
    return this.actions.kind(symbol);
  }

  /**
   * Twice the steps of the longest training target and the steps of the source, with the end.
   *
   * @param {number} sourceSteps
   */
  maxSteps(sourceSteps) {
    return 2 * (this.target.longest + 1) + sourceSteps;
  }
}
