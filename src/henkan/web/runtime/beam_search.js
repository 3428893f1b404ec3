/** Beam search, for any model. */

import { atTemperature, attendedSteps, logsOf, stepAllowed } from "./search.js";

/** @import { Codec } from "./plain_targets.js" */
/** @import { Encoded, Hypothesis, Stepper } from "./search.js" */
/** @import { StepOutput } from "./types.js" */

/**
 * A hypothesis as its last symbol, with the hypothesis that it extends.
 *
 * @typedef {object} Node
 * @property {Node | null} parent
 * @property {number} row  row of the step that predicted the symbol
 * @property {number} symbol
 * @property {number | null} attended
 * @property {number} total  log-probability in nats
 * @property {readonly number[]} calibrated  log-probability at each temperature
 *
 * @typedef {object} Search  the search for the outputs of one source
 * @property {Node[]} open  hypotheses that have not ended, best first
 * @property {Hypothesis[]} found
 *
 * @typedef {object} BeamOptions
 * @property {number} width  beam width
 * @property {readonly number[]} [temperatures]  see `greedy`
 */

/**
 * Keep the `width` best hypotheses at every step.
 *
 * Complete hypotheses are ranked by their log-probability divided by their number of symbols, because the plain sum
 * favours short outputs (Wu et al. 2016). The search for a source stops when `width` hypotheses are complete and no
 * other can be better.
 *
 * @param {Stepper} model
 * @param {Encoded} encoded
 * @param {Codec} codec
 * @param {BeamOptions} options
 * @returns {Hypothesis[][]}  for each source, up to `width` distinct outputs, best first
 */
export function beam(model, encoded, codec, { width, temperatures = [] }) {
  const limit = codec.maxSteps(encoded.steps);
  const root = { parent: null, symbol: codec.start, attended: null, total: 0, calibrated: temperatures.map(() => 0) };
  /** @type {Search[]} */
  const searches = Array.from({ length: encoded.count }, (_, row) => ({ open: [{ ...root, row }], found: [] }));
  let { memory, state } = encoded;
  let active = searches;
  for (let step = 1; step <= limit && active.length; step++) {
    const last = Int32Array.from(active.flatMap(({ open }) => open.map(({ symbol }) => symbol)));
    const output = stepAllowed(model, { memory, state, last }, codec);
    const attended = attendedSteps(output, last.length, encoded.steps);
    let row = 0;
    for (const search of active) {
      const candidates = extensions(search.open, output, row, { count: 2 * width, attended, temperatures });
      row += search.open.length;
      advance(search, candidates, { step, limit, width, codec });
    }
    active = active.filter(({ open }) => open.length);
    const rows = active.flatMap(({ open }) => open.map((node) => node.row));
    if (rows.length) [memory, state] = [memory.take(rows), output.state.take(rows)];
  }
  const nothing = { symbols: [], logProbability: 0, complete: true, attended: [], calibrated: root.calibrated };
  return searches.map(({ found }) => (found.length ? found.sort(byRank).slice(0, width) : [nothing]));
}

/**
 * The best extensions of the hypotheses of a source by one symbol, best first; among equal ones, those of better
 * hypotheses and smaller symbols come first.
 *
 * @param {Node[]} open
 * @param {StepOutput} output
 * @param {number} first  row of the first hypothesis
 * @param {{count: number, attended: number[] | null, temperatures: readonly number[]}} options
 * @returns {Node[]}
 */
function extensions(open, output, first, { count, attended, temperatures }) {
  /** @type {{total: number, k: number, symbol: number}[]} */
  const best = [];
  open.forEach(({ total: before }, k) => {
    logsOf(output, first + k).forEach((log, symbol) => {
      const total = before + log;
      if (total === -Infinity || (best.length === count && total <= best[count - 1].total)) return;
      let place = best.length;
      while (place > 0 && best[place - 1].total < total) place--;
      best.splice(place, 0, { total, k, symbol });
      best.length = Math.min(best.length, count);
    });
  });
  return best.map(({ total, k, symbol }) => {
    const [row, logs] = [first + k, logsOf(output, first + k)];
    const calibrated = temperatures.map((each, n) => open[k].calibrated[n] + atTemperature(logs, each)(symbol));
    return { parent: open[k], row, symbol, attended: attended ? attended[row] : null, total, calibrated };
  });
}

/**
 * Collect the candidates that end and are among the best, and choose the hypotheses to extend next: none if no other
 * can be better. At most half of the candidates end, because each hypothesis has one extension that ends.
 *
 * @param {Search} search
 * @param {Node[]} candidates
 * @param {{step: number, limit: number, width: number, codec: Codec}} options
 */
function advance(search, candidates, { step, limit, width, codec }) {
  const ends = (/** @type {Node} */ node) => node.symbol === codec.end;
  candidates.forEach((node, place) => {
    if (ends(node) ? place < width : step === limit) {
      search.found.push(hypothesis(node, ends(node) || codec.fixedLength));
    }
  });
  const others = candidates.filter((node) => !ends(node));
  search.open = step === limit ? [] : others.slice(0, width);
  // Short outputs of low probability can end early, so continue until no other hypothesis can be better.
  if (others.length && isDone(search.found, others[0].total / (step + 1), width)) search.open = [];
}

/**
 * @param {Node} node
 * @param {boolean} complete
 * @returns {Hypothesis}
 */
function hypothesis(node, complete) {
  const [symbols, attended] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  for (let each = node; each.parent; each = each.parent) {
    symbols.push(each.symbol);
    if (each.attended !== null) attended.push(each.attended);
  }
  const { total: logProbability, calibrated } = node;
  return { symbols: symbols.reverse(), logProbability, complete, attended: attended.reverse(), calibrated };
}

/** @param {Hypothesis} each */
function rank({ logProbability, symbols }) {
  return -logProbability / Math.max(1, symbols.length);
}

/**
 * Order of outputs, best first; see `beam`.
 *
 * @param {Hypothesis} a
 * @param {Hypothesis} b
 */
export function byRank(a, b) {
  return rank(a) - rank(b);
}

/**
 * Keep the best `width` outputs; return whether there are `width`, and none can be replaced by a later one.
 *
 * @param {Hypothesis[]} found
 * @param {number} bound  largest possible log-probability by symbol of later outputs
 * @param {number} width
 */
function isDone(found, bound, width) {
  found.sort(byRank).splice(width);
  return found.length === width && -rank(found[width - 1]) >= bound;
}
