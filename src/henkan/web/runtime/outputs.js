/**
 * The outputs of a model for sources. A transducer can write a string with different actions. The probability of a
 * string is that of its canonical output (`Codec.canonical`). A search may find another one, which is then replaced.
 */

import { beam, byRank } from "./beam_search.js";
import { greedy, score } from "./search.js";

/** @import { BeamOptions } from "./beam_search.js" */
/** @import { Codec } from "./plain_targets.js" */
/** @import { Encoded, Hypothesis, Stepper } from "./search.js" */

/**
 * @typedef {object} SourceIds
 * @property {readonly number[]} ids
 * @property {readonly number[]} copyIds  see copy_ids.js
 */

/**
 * Search for the best outputs.
 *
 * @param {Stepper} model
 * @param {Encoded} encoded
 * @param {Codec} codec
 * @param {readonly SourceIds[]} sources
 * @param {BeamOptions} options  with the width 1, the search is greedy
 * @returns {Hypothesis[][]}  for each source, up to `width` distinct outputs, best first
 */
export function findOutputs(model, encoded, codec, sources, { width, temperatures = [] }) {
  const found =
    width === 1
      ? greedy(model, encoded, codec, temperatures).map((each) => [each])
      : beam(model, encoded, codec, { width, temperatures });
  if (codec.ambiguous) makeCanonical(model, encoded, codec, sources, { found, temperatures });
  return found.map(distinct);
}

/**
 * Replace outputs by the canonical outputs of their strings. An output that was cut off stays as it is.
 *
 * @param {Stepper} model
 * @param {Encoded} encoded
 * @param {Codec} codec
 * @param {readonly SourceIds[]} sources
 * @param {{found: Hypothesis[][], temperatures: readonly number[]}} outputs  changed in place
 */
function makeCanonical(model, encoded, codec, sources, { found, temperatures }) {
  const changed = found.flatMap((each, n) =>
    [...each.keys()]
      .filter((k) => each[k].complete)
      .map((k) => ({ n, k, symbols: codec.canonical(sources[n].ids, each[k].symbols, sources[n].copyIds) }))
      .filter(({ k, symbols }) => symbols.join() !== each[k].symbols.join()),
  );
  if (!changed.length) return;
  const rows = changed.map(({ n }) => n);
  const part = { ...encoded, memory: encoded.memory.take(rows), state: encoded.state.take(rows), count: rows.length };
  const given = changed.map(({ symbols }) => symbols);
  score(model, part, codec, given, [1, ...temperatures]).forEach(([logProbability, ...calibrated], place) => {
    const { n, k, symbols } = changed[place];
    found[n][k] = { ...found[n][k], symbols, logProbability, calibrated };
  });
}

/**
 * The outputs without repetitions, best first.
 *
 * @param {readonly Hypothesis[]} outputs
 */
function distinct(outputs) {
  /** @type {Map<string, Hypothesis>} */
  const bySymbols = new Map();
  for (const output of outputs) bySymbols.set(output.symbols.join(), output);
  return [...bySymbols.values()].sort(byRank);
}
