/** How much of the loss gradient arrives at each step, for both orders of reading. */

import { segmented } from "../controls.js";
import { element, fill } from "../dom.js";
import { fillOnce } from "./keyed.js";
import { stepChart } from "./step_chart.js";
import { p, placeName, shortPercent } from "./texts.js";

/** @import { Selection } from "./selection.js" */
/** @import { GradientPath, Inspection, PathOrder } from "./types.js" */

const LEAST = 1e-4; // of the logarithmic axis

/** @param {Selection} selection */
export function gradientView(selection) {
  const choice = element("div", { class: "view-choice" });
  const chart = stepChart();
  const legend = element("ul", { class: "legend" });
  const words = element("div", { class: "words" });
  const caption = element("p", { class: "caption" });
  const view = element("div", { class: "gradient" }, choice, caption, chart.element, legend, words);
  /** @type {GradientPath | null} */
  let path = null;

  function draw() {
    if (!path) return;
    const { digits, orders } = path;
    const symbol = Math.min(selection.values.symbol, digits);
    const names = Array.from({ length: digits + 1 }, (_, at) => symbolOf(at, digits));
    fillOnce(choice, [symbol, digits], () => [
      element("span", { class: "label" }, p("lossOf")),
      segmented(
        p("lossOf"),
        Object.fromEntries(names.map((name, at) => [String(at), name])),
        String(symbol),
        (wanted) => selection.set({ symbol: Number(wanted) }),
      ),
    ]);
    caption.textContent = p("gradientAxis");
    const shares = orders.map((order) => relative(order.norms[symbol] ?? [], 2 * digits + 1 + symbol));
    const axis = logAxis(shares.flat());
    chart.show({
      series: shares.map((values, index) => ({
        name: index ? "other" : "own",
        values: values.map((share) => axis.height(share)),
      })),
      ticks: axis.ticks.map((share) => ({ height: axis.height(share), label: axisPercent(share) })),
      split: 2 * digits + 1,
      labels: orders.map((order) => labelsOf(order, digits)),
      selected: -1,
      onSelect: null,
      describe: (step) => describe(step, orders, shares, digits),
      label: p("gradientAxis"),
    });
    fill(legend, ...orders.map((order, index) => legendItem(order, index)));
    fill(
      words,
      ...(symbol < digits
        ? orders.map((order, index) =>
            element(
              "p",
              { "data-series": index ? "other" : "own" },
              reach(order, index, shares[index] ?? [], symbol, digits),
            ),
          )
        : []),
      element("p", {}, p("gradientFair")),
      element("p", { class: "caption" }, p("gradientGrowth")),
      element("p", { class: "caption" }, p("gradientCount", { count: path.count, example: example(digits) })),
    );
  }

  return {
    element: view,
    /** @returns {Inspection} */
    inspection: () => ({ kind: "gradient" }),
    /** @param {GradientPath} value */
    show(value) {
      path = value;
      draw();
    },
    redraw: draw,
  };
}

/**
 * Norms relative to that at one step; NaN for the steps after it, which have no gradient.
 *
 * @param {number[]} norms
 * @param {number} step
 */
export function relative(norms, step) {
  const whole = norms[step] || 1;
  return norms.map((norm, at) => (at > step ? NaN : norm / whole));
}

/**
 * A logarithmic axis for shares.
 *
 * @param {number[]} shares  NaN is left out
 * @returns {{height: (share: number) => number, ticks: number[]}}  heights from 0 to 1
 */
export function logAxis(shares) {
  const known = shares.filter((share) => share > 0);
  const high = Math.log10(Math.max(1, ...known));
  const low = Math.min(Math.log10(Math.max(Math.min(...known, 0.1), LEAST)), -1);
  const steps = high - low > 2.5 ? [1] : [1, 2, 5];
  const ticks = [-4, -3, -2, -1, 0, 1, 2].flatMap((power) => steps.map((step) => step * 10 ** power));
  return {
    height: (share) => Math.min(Math.max((Math.log10(Math.max(share, 1e-9)) - low) / (high - low), 0), 1),
    ticks: ticks.filter((share) => Math.log10(share) >= low - 1e-9 && Math.log10(share) <= high + 1e-9),
  };
}

/** @param {number} share */
function axisPercent(share) {
  return shortPercent(share, Math.max(0, Math.ceil(-Math.log10(share) - 2 - 1e-9)));
}

/**
 * The step at which the encoder reads the digit of a place, of the number that is read last.
 *
 * @param {PathOrder} order
 * @param {number} symbol  0 for the first digit
 * @param {number} digits
 */
export function nearestRead({ reverse }, symbol, digits) {
  // Reversed, the first number is read last, from its last digit; otherwise the second one, from its first digit.
  return reverse ? 2 * digits - symbol : digits + 1 + symbol;
}

/**
 * @param {PathOrder} order
 * @param {number} index
 * @param {number[]} shares
 * @param {number} symbol
 * @param {number} digits
 */
function reach(order, index, shares, symbol, digits) {
  const step = nearestRead(order, symbol, digits);
  const share = shares[step] ?? 0;
  return p("gradientReach", {
    order: orderName(order, index),
    symbol: symbolOf(symbol, digits),
    near: shortPercent(share, share < 0.1 ? 1 : 0),
    steps: 2 * digits + 1 + symbol - step,
  });
}

/**
 * @param {PathOrder} order
 * @param {number} index
 */
function orderName({ reverse }, index) {
  return p(index ? "otherOrder" : "ownOrder", { order: p(reverse ? "reversedOrder" : "readingOrder") });
}

/**
 * @param {PathOrder} order
 * @param {number} index
 */
function legendItem(order, index) {
  return element(
    "li",
    {},
    element("span", { class: "swatch", "data-series": index ? "other" : "own" }),
    orderName(order, index),
  );
}

/**
 * A target symbol by its place.
 *
 * @param {number} symbol
 * @param {number} digits
 */
function symbolOf(symbol, digits) {
  return symbol === digits ? p("symbolEnd") : placeName(digits - 1 - symbol);
}

/** @param {number} digits */
function example(digits) {
  return ["3+5", "34+52", "347+521"][digits - 1] ?? "3+5";
}

/**
 * What is read and written at each step, in the example.
 *
 * @param {PathOrder} order
 * @param {number} digits
 */
function labelsOf({ reverse }, digits) {
  const source = Array.from(example(digits));
  const target = ["8", "86", "868"][digits - 1] ?? "";
  return [...(reverse ? source.toReversed() : source), ...target, p("end")];
}

/**
 * @param {number} step
 * @param {PathOrder[]} orders
 * @param {number[][]} shares
 * @param {number} digits
 */
function describe(step, orders, shares, digits) {
  const values = orders.map((order, index) => {
    const share = shares[index]?.[step] ?? NaN;
    const symbol = labelsOf(order, digits)[step] ?? "";
    const action = p(step < 2 * digits + 1 ? "stepRead" : "stepWrite", { symbol });
    return Number.isNaN(share) ? action : `${action} (${shortPercent(share, 2)})`;
  });
  return p("gradientStep", { step: String(step + 1), values: values.join(", ") });
}
