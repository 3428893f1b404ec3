/** Copy ids: the target ids of source symbols, for models that copy them. */

/** @import { Tokenizer } from "./tokenizer.js" */
/** @import { Vocabulary } from "./vocabulary.js" */

/** Copy id of padding, and of symbols that no target shows: feature tags and the separator of target symbols. */
export const NEVER = -1;

/** Copy id of other symbols that cannot be target symbols. */
export const IMPOSSIBLE = -2;

/**
 * The copy ids of a source. That of a symbol is its id in the target vocabulary. If the target vocabulary lacks it, it
 * is the size V of the vocabulary + the first position of the symbol in the source, so that equal symbols have equal
 * ids.
 *
 * @param {readonly string[]} symbols  of the source, as the model reads them
 * @param {Tokenizer} tokenizer  of the sources
 * @param {Vocabulary} target
 * @returns {number[]}
 */
export function copyIds(symbols, tokenizer, target) {
  /** @type {Map<string, number>} */
  const known = new Map();
  return symbols.map((symbol, position) => {
    let id = known.get(symbol);
    if (id === undefined) {
      id = idOf(symbol, tokenizer, target);
      if (id === target.size) id += position;
      known.set(symbol, id);
    }
    return id;
  });
}

/**
 * @param {string} symbol
 * @param {Tokenizer} tokenizer
 * @param {Vocabulary} target
 */
function idOf(symbol, tokenizer, target) {
  if (tokenizer.isTag(symbol)) return NEVER;
  if (!target.tokenizer.isSymbol(symbol)) return symbol === target.tokenizer.separator ? NEVER : IMPOSSIBLE;
  return target.knows(symbol) ? target.idOf(symbol) : target.size;
}

/**
 * The copy ids of the symbols of a source that the target vocabulary lacks.
 *
 * @param {readonly string[]} symbols
 * @param {Tokenizer} tokenizer
 * @param {Vocabulary} target
 * @returns {Map<string, number>}
 */
export function copiesOf(symbols, tokenizer, target) {
  const ids = copyIds(symbols, tokenizer, target);
  const copied = new Map();
  symbols.forEach((symbol, position) => {
    if (ids[position] >= target.size) copied.set(symbol, ids[position]);
  });
  return copied;
}
