/** What an explanation says about the alignment of source and prediction, without drawing it. */

import { isTag } from "./symbols.js";

/** @import { Explanation } from "./types.js" */

/**
 * @typedef {object} Alternative
 * @property {string} action  "" for models without actions
 * @property {string} symbol
 * @property {number} probability
 *
 * @typedef {object} Step
 * @property {"copy" | "substitute" | "insert" | "delete" | "end" | ""} action  "" without actions
 * @property {string} symbol  what the step writes; "" for nothing
 * @property {number} probability
 * @property {Alternative[]} alternatives  the most probable other choices
 * @property {number[]} weights  of each source symbol, in the order of `Alignment.symbols`
 * @property {number} gap  before which source symbol the step inserts; the number of symbols for the end
 *
 * @typedef {object} Alignment
 * @property {string[]} symbols  of the source: the text, then its feature tags
 * @property {number} tags  number of feature tags
 * @property {Step[]} steps  in the order of the prediction; the end is last
 * @property {import("./types.js").By} by
 *
 * @typedef {{step: number} | {source: number} | null} Pointed  what the user points at
 */

/**
 * Return the alignment of an explanation. Feature tags, which the model reads first, are moved behind the text.
 *
 * @param {Explanation} explanation
 * @returns {Alignment}
 */
export function alignmentOf(explanation) {
  const all = explanation.symbols.map((symbol, index) => ({ symbol, index }));
  const tags = all.filter(({ symbol }) => isTag(symbol));
  const order = [...all.filter(({ symbol }) => !isTag(symbol)), ...tags];
  const backwards = isBackwards(explanation);
  const count = order.length - tags.length;
  const steps = explanation.choices.map((choice) => {
    const ended = choice.action === "end" || (!choice.action && choice.symbol === "");
    const weights = order.map(({ index }) => choice.weights[index] ?? 0);
    const at = weights.findIndex((weight) => weight > 0.5);
    /** @type {Step} */
    const step = {
      action: ended ? "end" : /** @type {Step["action"]} */ (choice.action ?? ""),
      symbol: choice.symbol,
      probability: choice.probability,
      alternatives: choice.runners_up.map(([label, probability]) => alternative(label, probability, choice.action)),
      weights,
      gap: at < 0 ? (backwards ? 0 : count) : at + Number(backwards),
    };
    return step;
  });
  const end = steps.at(-1)?.action === "end" ? [steps.pop()] : [];
  if (backwards) steps.reverse();
  return {
    symbols: order.map(({ symbol }) => symbol),
    tags: tags.length,
    steps: [...steps, .../** @type {Step[]} */ (end)],
    by: explanation.by,
  };
}

/**
 * Whether the model wrote the prediction from its last symbol.
 *
 * @param {Explanation} explanation
 */
function isBackwards({ answer, choices }) {
  const written = choices.map(({ symbol }) => symbol);
  const compact = (/** @type {string[]} */ symbols) => symbols.join("").replace(/\s/gu, "");
  const wanted = compact([answer]);
  return compact(written) !== wanted && compact(written.reverse()) === wanted;
}

/**
 * @param {string} label  a symbol, or an action and its symbol
 * @param {number} probability
 * @param {string | undefined} action  of the chosen step
 * @returns {Alternative}
 */
function alternative(label, probability, action) {
  if (!action) return { action: label === "" ? "end" : "", symbol: label, probability };
  const at = label.indexOf(" ");
  return at < 0
    ? { action: label, symbol: "", probability }
    : { action: label.slice(0, at), symbol: label.slice(at + 1), probability };
}

/**
 * The source symbol that a step comes from: that with the largest weight, or -1 for an insertion, the end, or without
 * weights.
 *
 * @param {Step} step
 */
export function origin(step) {
  if (step.action === "insert" || step.action === "end") return -1;
  const largest = Math.max(0, ...step.weights);
  return largest > 0 ? step.weights.indexOf(largest) : -1;
}

/**
 * The source symbols with the largest weights of a step, largest first.
 *
 * @param {Step} step
 * @param {number} [count]
 * @param {number} [least]  smallest weight to return
 */
export function strongest(step, count = 3, least = 0.05) {
  return step.weights
    .map((weight, index) => ({ weight, index }))
    .filter(({ weight }) => weight >= least)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, count);
}

/**
 * How strongly each source symbol and each step belongs to what is pointed at.
 *
 * @param {Alignment} alignment
 * @param {Pointed} pointed
 * @returns {{sources: number[], steps: number[]}}  weights from 0 to 1
 */
export function highlights({ symbols, steps }, pointed) {
  if (!pointed) return { sources: symbols.map(() => 0), steps: steps.map(() => 0) };
  if ("step" in pointed) {
    const step = steps[pointed.step];
    const inserted = step?.action === "insert" || step?.action === "end";
    const weights = step && !(inserted && step.weights.includes(1)) ? step.weights : symbols.map(() => 0);
    return { sources: weights, steps: steps.map((_, index) => Number(index === pointed.step)) };
  }
  return {
    sources: symbols.map((_, index) => Number(index === pointed.source)),
    steps: steps.map((step) => (step.action === "insert" ? 0 : (step.weights[pointed.source] ?? 0))),
  };
}
